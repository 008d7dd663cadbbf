"""The README's table of operations names all that the vendors' own packages know, and says of each what the dialects do."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from azure.cognitiveservices.vision.computervision.models import Details, VisualFeatureTypes
from azure.cognitiveservices.vision.computervision.operations import ComputerVisionClientOperationsMixin
from google.cloud import vision
from google.cloud.vision_v1.services.image_annotator.transports import ImageAnnotatorTransport

from app.core.model import Feature, RawRequest
from app.core.prices import PriceList
from app.errors import Problem
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Call, Calls, Dialect, Passthrough
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect
from tests.support.aws_model import service_model
from tests.support.google_wire import asked_image, rest_request
from tests.support.wire import aws_request, azure_request, native_request, old_azure_request

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
REKOGNITION = (REPOSITORY / "docs" / "rekognition.md").read_text(encoding="utf-8")
HANDED_ON = REKOGNITION.partition("## Handed on")[2].partition("\nSo ")[0]
TABLE = README.partition("### What becomes of each operation")[2].partition("\nSet `")[0]
CODE = re.compile(r"`([^`]+)`")
GRIDDED, ALONE, PASSED, REFUSED, NOT_SERVED = "gridded", "alone", "passed through", "refused", "not served"

GOOGLE = GoogleDialect(GoogleOptions(prices=PriceList(otherwise=0.001)))
AZURE = azure_dialects(AzureOptions(own=OwnProvider(PriceList(otherwise=0.001), 0.5)))
MODEL_ARN = "arn:aws:rekognition:us-east-1:123456789012:project/p/version/v/1"


def rows() -> Iterator[tuple[str, str, str]]:
    """Vendor, first cell and second cell of each row; a row without a vendor belongs to the one above."""
    vendor = ""
    for line in TABLE.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 3 and "`" in cells[0]:
            begun = re.match(r"\*\*(.+?)\*\*", cells[0])
            vendor = begun[1] if begun else vendor
            yield vendor, cells[0], cells[1]


def told(vendor: str) -> dict[str, str]:
    """What the table says of each name; `with` something else is a case of its own."""
    found: dict[str, str] = {}
    for of, names, fate in rows():
        if of == vendor and " with " not in names:
            known = next(one for one in (GRIDDED, ALONE, PASSED, REFUSED, NOT_SERVED) if fate.startswith(one))
            found |= dict.fromkeys(CODE.findall(names), known)
    return found


def fate(dialect: Dialect, raw: RawRequest) -> str:
    """What really becomes of a request, without further settings."""
    try:
        read = dialect.read(raw)
    except Problem:
        return REFUSED
    if isinstance(read, Passthrough):
        return PASSED
    calls = read.calls if isinstance(read, Calls) else (read,)
    if not calls:
        return REFUSED
    return ALONE if any(_goes_alone(call) for call in calls) else GRIDDED


def _goes_alone(call: Call) -> bool:
    """Text, too: the pipeline's policy sends it alone unless the operator says otherwise."""
    return call.alone is not None or any(inquiry.feature is Feature.TEXT for inquiry in call.inquiries)


def rekognition(operation: str, members: Mapping[str, Any] | None = None) -> str:
    own = {"ProjectVersionArn": MODEL_ARN} if operation == "DetectCustomLabels" else {}
    return fate(RekognitionDialect(), aws_request(operation, {**own, **(members or {})}))


class TestRekognition:
    def test_every_operation_is_named_here_or_there(self) -> None:
        there = CODE.findall(HANDED_ON)
        assert len(there) == len(set(there))
        assert set(told("Rekognition")) | set(there) == set(service_model().operation_names)

    @pytest.mark.parametrize(("operation", "what"), told("Rekognition").items())
    def test_it_is_true(self, operation: str, what: str) -> None:
        assert rekognition(operation) == what

    def test_what_is_named_there_is_passed_through(self) -> None:
        assert {rekognition(operation) for operation in CODE.findall(HANDED_ON)} == {PASSED}

    def test_image_properties(self) -> None:
        assert "| `DetectLabels` with `IMAGE_PROPERTIES` | alone | |" in TABLE
        assert rekognition("DetectLabels", {"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}) == ALONE


class TestGoogle:
    KNOWN = told("Google")
    FEATURES = frozenset(vision.Feature.Type.__members__)
    # The package's own names of the methods, and what the REST address ends with.
    METHODS: ClassVar[Mapping[str, str]] = {
        "BatchAnnotateImages": "images:annotate",
        "AsyncBatchAnnotateImages": "images:asyncBatchAnnotate",
        "BatchAnnotateFiles": "files:annotate",
        "AsyncBatchAnnotateFiles": "files:asyncBatchAnnotate",
    }

    def test_every_feature_and_method_is_named(self) -> None:
        methods = {name for name, value in vars(ImageAnnotatorTransport).items() if isinstance(value, property)}
        camel = {"".join(word.capitalize() for word in name.split("_")) for name in methods}
        assert camel & self.METHODS.keys() == self.METHODS.keys()
        assert {name for name in camel if "Annotate" in name} == self.METHODS.keys()
        others = {"images:annotate", "operations", "ProductSearch"}
        assert self.KNOWN.keys() == self.FEATURES | self.METHODS.keys() | others

    @pytest.mark.parametrize("feature", sorted(FEATURES))
    def test_it_is_true_of_features(self, feature: str) -> None:
        assert self._of_one_image(feature) == self.KNOWN[feature]

    @pytest.mark.parametrize("method", METHODS)
    def test_it_is_true_of_methods(self, method: str) -> None:
        raw = rest_request(asked_image("FACE_DETECTION"), path=f"/v1/{self.METHODS[method]}")
        assert fate(GOOGLE, raw) == self.KNOWN[method]

    def test_operations_and_product_search(self) -> None:
        assert fate(GOOGLE, RawRequest("GET", "/v1/operations/7", "", {}, b"")) == self.KNOWN["operations"]
        products = RawRequest("GET", "/v1/projects/p/locations/l/products", "", {}, b"")
        assert fate(GOOGLE, products) == self.KNOWN["ProductSearch"] == PASSED

    def _of_one_image(self, feature: str) -> str:
        return fate(GOOGLE, rest_request(asked_image(feature)))

    def test_labels_by_detection(self) -> None:
        assert "| `LABEL_DETECTION` | passed through; gridded with `TESSERA_CLASSIFY=detection` | labels of scenes" in TABLE
        detecting = GoogleDialect(GoogleOptions(prices=PriceList(otherwise=0.001), classify="detection"))
        assert fate(detecting, rest_request(asked_image("LABEL_DETECTION"))) == GRIDDED


class TestAzure:
    NEW, OLD = told("Azure 4.0"), told("Azure 3.2")
    PATHS = {
        value.metadata["url"].removesuffix("/{operationId}")
        for value in vars(ComputerVisionClientOperationsMixin).values()
        if hasattr(value, "metadata")
    } - {"/analyze"}

    def test_every_feature_detail_and_operation_is_named(self) -> None:
        assert self.NEW.keys() == {one.value for one in VisualFeatures}
        features = {one.value for one in VisualFeatureTypes} | {one.value for one in Details}
        assert self.OLD.keys() == features | self.PATHS

    @pytest.mark.parametrize("feature", NEW)
    def test_it_is_true_of_4_0(self, feature: str) -> None:
        assert fate(AZURE.analysis, azure_request(f"api-version=2024-02-01&features={feature}")) == self.NEW[feature]

    @pytest.mark.parametrize("name", OLD)
    def test_it_is_true_of_3_2(self, name: str) -> None:
        if name.startswith("/"):
            raw = old_azure_request("", name.removeprefix("/"))
        else:
            raw = old_azure_request(f"{'details' if name in set(Details) else 'visualFeatures'}={name}")
        assert fate(AZURE.vision, raw) == self.OLD[name]

    def test_tags_by_detection(self) -> None:
        own = OwnProvider(PriceList(otherwise=0.001), 0.5)
        detecting = azure_dialects(AzureOptions(own=own, classify="detection"))
        for name, dialect, raw in (
            ("tags", detecting.analysis, azure_request("api-version=2024-02-01&features=tags")),
            ("Tags", detecting.vision, old_azure_request("visualFeatures=Tags")),
        ):
            assert f"| `{name}` | passed through; gridded with `TESSERA_CLASSIFY=detection` | tags of scenes" in TABLE
            assert fate(dialect, raw) == GRIDDED


def test_the_native_endpoint() -> None:
    for feature in ("objects", "faces", "text"):
        assert fate(NativeDialect(), native_request(f"features={feature}")) == (ALONE if feature == "text" else GRIDDED)
