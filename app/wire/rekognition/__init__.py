"""The Rekognition endpoint: AWS JSON 1.1 in, AWS JSON 1.1 out. Facts: botocore's service model, and the API reference.

dialect     read, write, refuse: the way of a request
request     headers and body -> operation, tenant, image
members     typed, checked reading of a request's members
operations  the operations that can share a sheet: what each asks for, and who writes its answer
answers     findings -> DetectFaces, RecognizeCelebrities, DetectCustomLabels, DetectProtectiveEquipment
labels      findings -> DetectLabels
moderation  findings -> DetectModerationLabels
text        findings -> DetectText
geometry    typed leaves -> AWS JSON
refusals    errors.Kind -> AWS's exceptions
"""

from app.wire.rekognition.dialect import RekognitionDialect, RekognitionOptions

__all__ = ["RekognitionDialect", "RekognitionOptions"]
