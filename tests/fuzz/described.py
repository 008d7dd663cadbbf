"""The published description of the API, taken at its word by schemathesis: what it generates is answered as it is described.

Everything under /v1 and the operations' own pages, with data that the description allows and with data that it does not. Of a
form and a body there are images, bent images and anything else. The vendors' paths are not described there in detail.
"""

from __future__ import annotations

from random import Random
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    positive_data_acceptance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.fuzz.engine import Tally, told
from tests.fuzz.pictures import bent_picture
from tests.fuzz.seeds import image
from tests.fuzz.stand import Stand

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    positive_data_acceptance,
    negative_data_rejection,
]
# What the description allows may be refused for what it cannot describe: what the provider offers, and what is in the image.
_REFUSED = ["400", "404", "413", "415", "422"]
_NOT_FOR_ITS_WORDS = ["2xx", "404", "413", "415", "422"]
CALL_S = 40.0
_MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_BODIES = st.one_of(
    st.builds(image),
    st.integers(0, 2**32).map(lambda number: bent_picture(Random(number))[1]),
    st.binary(max_size=200),
).filter(bool)


def described(stand: Stand, tally: Tally, cases: int) -> None:
    """Play about so many cases into the tally. A page without parameters can be asked for in one way only."""
    for media_type in ("image/*", "application/octet-stream"):
        schemathesis.openapi.media_type(media_type, _BODIES)
    for page in _operations(stand, "operations"):
        _play(page, GenerationMode.POSITIVE, tally, 1)
    native = _operations(stand, "native")
    for operation in native:
        for mode in _MODES:
            _play(operation, mode, tally, -(-cases // (len(native) * len(_MODES))))


def _operations(stand: Stand, tag: str) -> list[Any]:
    schema: Any = schemathesis.openapi.from_url(f"{stand.server.url}/openapi.json")
    schema.config.checks.positive_data_acceptance.expected_statuses = _NOT_FOR_ITS_WORDS
    schema.config.checks.negative_data_rejection.expected_statuses = _REFUSED
    return [found.ok() for found in schema.include(tag=tag).get_all_operations()]


def _play(operation: Any, mode: GenerationMode, tally: Tally, cases: int) -> None:
    try:
        strategy = operation.as_strategy(generation_mode=mode)
        if strategy.is_empty:
            return
    except Exception as error:
        tally.blame(tally.cases, f"{operation.label}: {told(error)}")
        return

    @hypothesis.seed(tally.seed)
    @hypothesis.settings(
        max_examples=cases, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
    )
    @hypothesis.given(case=strategy)
    def one(case: Any) -> None:
        number = tally.cases
        try:
            response = case.call(timeout=CALL_S)
            case.validate_response(response, checks=_CHECKS)
        except FailureGroup as failures:
            words = "; ".join(f"{type(one).__name__}: {str(one)[:200]}" for one in failures.exceptions)
            tally.blame(number, f"{operation.label} {mode.value}: {words}\n{case.as_curl_command()[:500]}")
        except Exception as error:
            tally.blame(number, f"{operation.label} {mode.value}: {told(error)}")
        else:
            tally.note(number, str(response.status_code), response.elapsed)

    one()
