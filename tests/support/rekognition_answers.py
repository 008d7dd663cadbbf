"""Made-up answers of Rekognition's image operations, in the shapes of AWS's service model, and one that nobody models yet.

Each `FULL` answer has two findings, fields that the model does not know (`Novelty`), and everything that geometry can be.
"""

from __future__ import annotations

from typing import Any

from app.core.model import Feature

CAR_BOX = {"Left": 0.5, "Top": 0.25, "Width": 0.25, "Height": 0.5}
EDGE_BOX = {"Left": -0.125, "Top": 0.75, "Width": 0.5, "Height": 0.5}
LANDMARKS = [{"Type": "eyeLeft", "X": 0.625, "Y": 0.375}, {"Type": "nose", "X": 0.75, "Y": 0.5, "Novelty": 1}]

LABELS: dict[str, Any] = {
    "Labels": [
        {
            "Name": "Car",
            "Confidence": 99.5,
            "Instances": [
                {
                    "BoundingBox": CAR_BOX,
                    "Confidence": 98.0,
                    "DominantColors": [{"Red": 1, "HexCode": "#010203"}],
                    "Novelty": [{}],
                },
                {"BoundingBox": EDGE_BOX, "Confidence": 55.5},
            ],
            "Parents": [{"Name": "Vehicle"}, {"Name": "Transportation"}, {"Name": "Vehicle"}, {"Name": "Unlisted"}],
            "Aliases": [{"Name": "Automobile"}],
            "Categories": [{"Name": "Vehicles and Automotive"}],
            "Novelty": {"Deep": [1, None, True]},
        },
        {"Name": "Vehicle", "Confidence": 99.5, "Instances": [], "Parents": [{"Name": "Transportation"}]},
        {"Name": "Transportation", "Confidence": 99.5, "Instances": [], "Parents": []},
        {"Name": "Sunset", "Confidence": 80.0, "Instances": []},
    ],
    "LabelModelVersion": "3.0",
    "OrientationCorrection": None,
}
FACES: dict[str, Any] = {
    "FaceDetails": [
        {"BoundingBox": CAR_BOX, "Confidence": 99.0, "Landmarks": LANDMARKS, "Pose": {"Roll": 1.5}, "Novelty": "kept"},
        {"BoundingBox": EDGE_BOX, "Confidence": 60.0, "Emotions": [{"Type": "CALM", "Confidence": 90.0}]},
    ]
}
CELEBRITIES: dict[str, Any] = {
    "CelebrityFaces": [
        {
            "Name": "Ada",
            "Id": "1a",
            "Urls": ["example.org/ada"],
            "MatchConfidence": 97.0,
            "Face": {"BoundingBox": CAR_BOX, "Confidence": 99.0, "Landmarks": LANDMARKS},
            "KnownGender": {"Type": "Female"},
        }
    ],
    "UnrecognizedFaces": [{"BoundingBox": EDGE_BOX, "Confidence": 70.0, "Landmarks": LANDMARKS}],
}
EQUIPMENT: dict[str, Any] = {
    "ProtectiveEquipmentModelVersion": "1.0",
    "Persons": [
        {
            "Id": 0,
            "BoundingBox": CAR_BOX,
            "Confidence": 99.0,
            "BodyParts": [
                {
                    "Name": "HEAD",
                    "Confidence": 99.0,
                    "EquipmentDetections": [
                        {"BoundingBox": EDGE_BOX, "Confidence": 80.0, "Type": "HEAD_COVER", "CoversBodyPart": {"Value": True}}
                    ],
                }
            ],
        },
        {"Id": 1, "BoundingBox": EDGE_BOX, "Confidence": 75.0, "BodyParts": []},
    ],
    "Summary": {
        "PersonsWithRequiredEquipment": [0],
        "PersonsWithoutRequiredEquipment": [1],
        "PersonsIndeterminate": [],
    },
}
CUSTOM: dict[str, Any] = {
    "CustomLabels": [
        {
            "Name": "bolt",
            "Confidence": 88.0,
            "Geometry": {"BoundingBox": CAR_BOX, "Polygon": [{"X": 0.5, "Y": 0.25}, {"X": 0.75, "Y": 0.75}]},
        },
        {"Name": "night shift", "Confidence": 66.0},
    ]
}

TEXT: dict[str, Any] = {
    "TextDetections": [
        {
            "DetectedText": "IT'S MONDAY",
            "Type": "LINE",
            "Id": 0,
            "Confidence": 99.5,
            "Geometry": {"BoundingBox": CAR_BOX, "Polygon": [{"X": 0.5, "Y": 0.25}, {"X": 0.75, "Y": 0.75}]},
            "Novelty": [1],
        },
        {
            "DetectedText": "IT'S",
            "Type": "WORD",
            "Id": 1,
            "ParentId": 0,
            "Confidence": 99.0,
            "Geometry": {"BoundingBox": CAR_BOX, "Polygon": [{"X": 0.5, "Y": 0.25}]},
            "Novelty": {"kept": True},
        },
        {
            "DetectedText": "MONDAY",
            "Type": "WORD",
            "Id": 2,
            "ParentId": 0,
            "Confidence": 90.0,
            "Geometry": {"BoundingBox": EDGE_BOX},
        },
    ],
    "TextModelVersion": "3.0",
}
# The same operation, its labels taken for themselves.
IMAGE_LABELS: dict[str, Any] = {"Labels": [LABELS["Labels"][0], LABELS["Labels"][3]], "LabelModelVersion": "3.0"}
MODERATION: dict[str, Any] = {
    "ModerationLabels": [
        {"Name": "Weapons", "ParentName": "Violence", "Confidence": 95.5, "TaxonomyLevel": 2, "Novelty": {"Deep": [1, None]}},
        {"Name": "Violence", "ParentName": "", "Confidence": 97.0, "TaxonomyLevel": 1},
    ],
    "ModerationModelVersion": "7.0",
    "ContentTypes": [{"Name": "Illustrated", "Confidence": 60.0}],
}
FULL: dict[Feature, dict[str, Any]] = {
    Feature.OBJECTS: LABELS,
    Feature.FACES: FACES,
    Feature.CELEBRITIES: CELEBRITIES,
    Feature.PROTECTIVE_EQUIPMENT: EQUIPMENT,
    Feature.CUSTOM_OBJECTS: CUSTOM,
    Feature.TEXT: TEXT,
    Feature.LABELS: IMAGE_LABELS,
    Feature.MODERATION: MODERATION,
}
