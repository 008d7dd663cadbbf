"""Who may call."""

from __future__ import annotations

import pytest

from app.emulators.azure.errors import Problem, Refused
from app.emulators.azure.keys import check_key

KEY = {"ocp-apim-subscription-key": "right"}
TOKEN = {"authorization": "Bearer right"}


@pytest.mark.parametrize("headers", [KEY, TOKEN, {"authorization": "bearer  right "}, {**KEY, "authorization": "Basic x"}])
@pytest.mark.parametrize("secret", [None, "right"])
def test_a_key_or_a_token_is_enough(headers: dict[str, str], secret: str | None) -> None:
    check_key(headers, secret)


@pytest.mark.parametrize(
    ("headers", "secret"),
    [
        ({}, None),
        ({"ocp-apim-subscription-key": ""}, None),
        ({"authorization": "Basic cmlnaHQ="}, None),
        ({"authorization": "Bearer "}, None),
        (KEY, "other"),
        (TOKEN, "rightly"),
        ({"ocp-apim-subscription-key": "rïght"}, "right"),
    ],
)
def test_everybody_else_is_denied(headers: dict[str, str], secret: str | None) -> None:
    with pytest.raises(Refused) as caught:
        check_key(headers, secret)
    assert caught.value.problem is Problem.DENIED
