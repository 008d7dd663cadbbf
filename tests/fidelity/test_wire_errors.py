"""What botocore makes of our errors: which exception it raises, and whether it sends the request again by itself."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from botocore.retries.standard import RetryContext, StandardRetryConditions

from app.errors import Kind, Problem
from app.wire.contract import RawReply
from app.wire.rekognition import RekognitionDialect
from tests.support.aws_model import parsed, service_model

MODEL = pytest.fixture(service_model, scope="module", name="model")
OPERATION = "DetectLabels"
DIALECT = RekognitionDialect()
# These come from AWS's front and not from the service, so its model does not have them; programs see a plain ClientError.
FRONT = {
    "SerializationException",
    "UnknownOperationException",
    "UnrecognizedClientException",
    "InvalidSignatureException",
}


def refused(kind: Kind) -> RawReply:
    return DIALECT.refuse(Problem(kind, "why"), "request-1")


@pytest.mark.parametrize("kind", Kind)
def test_programs_can_catch_it_by_its_modelled_class(model: Any, kind: Kind) -> None:
    """`except client.exceptions.InvalidImageFormatException` works as with AWS."""
    seen = parsed(model, OPERATION, refused(kind))
    code = seen["Error"]["Code"]
    modelled = {shape.name for shape in model.operation_model(OPERATION).error_shapes}
    assert code in modelled | FRONT
    assert seen["Error"]["Message"].endswith("Why.")
    assert seen["ResponseMetadata"]["RequestId"] == "request-1"


@pytest.mark.parametrize("kind", Kind)
def test_botocore_sends_again_exactly_what_sending_again_can_help(model: Any, kind: Kind) -> None:
    """And a spent budget, in vain, since that is throttling in the vendor's words."""
    reply = refused(kind)
    context = RetryContext(
        attempt_number=1,
        operation_model=model.operation_model(OPERATION),
        parsed_response=parsed(model, OPERATION, reply),
        http_response=SimpleNamespace(status_code=reply.status),
    )
    assert StandardRetryConditions().is_retryable(context) == (kind.retryable or kind is Kind.BUDGET_SPENT)
