"""Endpoint and credentials: the operator's choice first, then AWS's own chain; what is missing is a Problem that says so.

That the signature itself is right is checked over the wire, in tests/contract/test_provider_signature.py.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from app.errors import Kind, Problem
from app.providers.aws import FixedCredentials
from app.providers.rekognition.signing import Signer

KEYS = FixedCredentials("AKID", "SECRET", "TOKEN")


@pytest.fixture(autouse=True)
def nothing_configured(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No AWS settings of the machine that runs the tests, and no metadata server."""
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_CA_BUNDLE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL_REKOGNITION"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def signer(upstream_url: str | None = None, region: str | None = "eu-west-1", keys: FixedCredentials | None = KEYS) -> Signer:
    return Signer(upstream_url=upstream_url, region=region, credentials=keys)


def test_without_any_wish_the_endpoint_is_the_regions() -> None:
    endpoint = signer().endpoint()
    assert (endpoint.url, endpoint.region) == ("https://rekognition.eu-west-1.amazonaws.com", "eu-west-1")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_REKOGNITION"])
def test_the_sdks_own_variables_name_another_endpoint(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "http://127.0.0.1:7000/aws")
    assert signer().endpoint().url == "http://127.0.0.1:7000/aws"


def test_the_services_variable_wins_over_the_general_one_and_the_operators_wish_over_both(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://general")
    monkeypatch.setenv("AWS_ENDPOINT_URL_REKOGNITION", "http://service")
    assert signer().endpoint().url == "http://service"
    assert signer("http://wished").endpoint().url == "http://wished"


def test_awss_own_region_wins_over_the_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "ap-south-1")
    assert signer(region="eu-west-1").endpoint().region == "ap-south-1"


def test_certificate_authorities_are_awss_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert signer().endpoint().ca_bundle is None
    monkeypatch.setenv("AWS_CA_BUNDLE", "/some/bundle.pem")
    assert signer().endpoint().ca_bundle == "/some/bundle.pem"


def test_no_region_is_our_own_misconfiguration_and_is_looked_up_again(monkeypatch: pytest.MonkeyPatch) -> None:
    without = signer(region=None)
    with pytest.raises(Problem, match="region") as raised:
        without.endpoint()
    assert raised.value.kind is Kind.INTERNAL


def test_no_credentials_are_our_own_misconfiguration() -> None:
    with pytest.raises(Problem, match="credentials") as raised:
        signer(keys=None).sign({}, b"")
    assert raised.value.kind is Kind.INTERNAL


def test_a_credential_helper_that_fails_is_a_passing_trouble(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("[default]\ncredential_process = false\n")
    with pytest.raises(Problem, match="credentials") as raised:
        signer(keys=None).sign({}, b"")
    assert raised.value.kind is Kind.PROVIDER_UNAVAILABLE


def test_credentials_come_from_awss_chain(tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default]\naws_access_key_id = FILEKEY\naws_secret_access_key = s\n")
    signed = signer(keys=None).sign({}, b"{}")
    assert "Credential=FILEKEY/" in signed.headers["authorization"]
    assert "x-amz-security-token" not in signed.headers


def test_a_signed_request_names_key_scope_and_token_and_shows_none_in_its_text() -> None:
    signed = signer("http://127.0.0.1:7000").sign({"content-type": "t", "x-amz-target": "X.Y"}, b"{}")
    assert signed.url == "http://127.0.0.1:7000"
    assert "Credential=AKID/" in signed.headers["authorization"]
    assert "/eu-west-1/rekognition/aws4_request" in signed.headers["authorization"]
    assert "SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-amz-target" in signed.headers["authorization"]
    assert signed.headers["x-amz-security-token"] == "TOKEN"
    assert "AKID" not in repr(signed)
    assert "SECRET" not in repr(KEYS)
    assert "TOKEN" not in repr(KEYS)
