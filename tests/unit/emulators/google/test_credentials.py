"""Who is served: everybody, or those who show the secret."""

from __future__ import annotations

import pytest

from app.emulators.google.credentials import Credentials, check_credentials, credentials_of
from app.emulators.google.errors import Code, ServiceError


@pytest.mark.parametrize(
    ("headers", "query", "wanted"),
    [
        ({}, {}, Credentials()),
        ({"x-goog-api-key": "k"}, {"key": "other"}, Credentials("k")),
        ({}, {"key": "k"}, Credentials("k")),
        ({"authorization": "Bearer t"}, {}, Credentials("", "t")),
        ({"authorization": "bearer  t "}, {}, Credentials("", "t")),
        ({"authorization": "Basic dDp0"}, {}, Credentials()),
        ({}, {"access_token": "t"}, Credentials("", "t")),
    ],
)
def test_keys_and_tokens_are_found(headers: dict[str, str], query: dict[str, str], wanted: Credentials) -> None:
    assert credentials_of(headers, query) == wanted


@pytest.mark.parametrize("shown", [Credentials(), Credentials("k"), Credentials("", "t")])
def test_without_a_secret_everybody_is_served(shown: Credentials) -> None:
    check_credentials(shown, None)


@pytest.mark.parametrize("shown", [Credentials("s"), Credentials("", "s"), Credentials("s", "s")])
def test_who_shows_the_secret_is_served(shown: Credentials) -> None:
    check_credentials(shown, "s")


@pytest.mark.parametrize(
    ("shown", "code", "status"),
    [
        (Credentials(), Code.PERMISSION_DENIED, 403),
        (Credentials("", "t"), Code.UNAUTHENTICATED, 401),
        (Credentials("s", "t"), Code.UNAUTHENTICATED, 401),
        (Credentials("k"), Code.INVALID_ARGUMENT, 400),
        (Credentials("ö"), Code.INVALID_ARGUMENT, 400),
    ],
)
def test_others_are_refused_as_the_vendor_refuses_them(shown: Credentials, code: Code, status: int) -> None:
    with pytest.raises(ServiceError) as caught:
        check_credentials(shown, "s")
    assert (caught.value.code, caught.value.http_status) == (code, status)


def test_secrets_do_not_show() -> None:
    assert "hidden" not in repr(Credentials("hidden", "hidden"))
