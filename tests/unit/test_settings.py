"""Settings: everything is read once, everything wrong is told at once, nothing secret is shown."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from app.settings import NAMES, Settings, SettingsError, env_name, load_settings, public_view, settings_table


def refusal(environ: dict[str, str], env_file: Path | None = None) -> str:
    """The message with which these settings are refused."""
    with pytest.raises(SettingsError) as refused:
        load_settings(environ, env_file)
    return str(refused.value)


def test_nothing_set_gives_the_defaults() -> None:
    settings = load_settings({})
    assert (settings.host, settings.port, settings.role, settings.provider) == ("127.0.0.1", 8080, "all", "emulator")
    assert (settings.max_wait_ms, settings.max_map_drop, settings.redis_url) == (200, 0.03, None)


def test_every_default_passes_its_own_limits() -> None:
    given = {name: field.default for name, field in Settings.model_fields.items()}
    assert Settings(**given) == load_settings({})


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("TESSERA_PORT", "0", "port", 0),
        ("TESSERA_PORT", "65535", "port", 65535),
        ("TESSERA_PORT", " 9000 ", "port", 9000),
        ("TESSERA_MIX_TENANTS", "true", "mix_tenants", True),
        ("TESSERA_MIX_TENANTS", "0", "mix_tenants", False),
        ("TESSERA_MAX_MAP_DROP", "0", "max_map_drop", 0.0),
        ("TESSERA_MAX_MAP_DROP", "1", "max_map_drop", 1.0),
        ("TESSERA_SHADOW_PERCENT", "0.5", "shadow_percent", 0.5),
        ("TESSERA_MIN_AGREEMENT", "", "min_agreement", None),
        ("TESSERA_LAYOUTS", "2x1", "layouts", ("2x1",)),
        ("TESSERA_LAYOUTS", "2x1, 2x2,", "layouts", ("2x1", "2x2")),
        ("TESSERA_S3_BUCKETS", "one,two.three-*", "s3_buckets", ("one", "two.three-*")),
        ("TESSERA_UPSTREAM_URL", "http://emulator:9000/aws", "upstream_url", "http://emulator:9000/aws"),
        ("TESSERA_REDIS_URL", "rediss://:p@ss@redis:6379/1", "redis_url", "rediss://:p@ss@redis:6379/1"),
        ("TESSERA_REDIS_URL", "unix:///run/redis.sock", "redis_url", "unix:///run/redis.sock"),
        ("TESSERA_REDIS_URL", "redis+sentinel://a:1,b/ours/2", "redis_url", "redis+sentinel://a:1,b/ours/2"),
        ("TESSERA_REDIS_URL", "rediss+cluster://:p@a,b:7000", "redis_url", "rediss+cluster://:p@a,b:7000"),
        ("TESSERA_REDIS_URL", "", "redis_url", None),
        ("TESSERA_LAYOUTS", "  ", "layouts", ()),
        ("TESSERA_GRPC_PORT", "0", "grpc_port", 0),
        ("TESSERA_GCS_BUCKETS", "one,two*", "gcs_buckets", ("one", "two*")),
        ("TESSERA_URL_HOSTS", "a.example,*.b.example:8443", "url_hosts", ("a.example", "*.b.example:8443")),
    ],
)
def test_text_becomes_a_value_and_empty_text_counts_as_not_set(name: str, text: str, field: str, value: object) -> None:
    assert getattr(load_settings({name: text}), field) == value


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("TESSERA_PORT", "-1", "greater than or equal to 0"),
        ("TESSERA_PORT", "65536", "less than or equal to 65535"),
        ("TESSERA_PORT", "http", "valid integer"),
        ("TESSERA_ROLE", "apis", "'all', 'api' or 'worker'"),
        ("TESSERA_PROVIDER", "watson", "'emulator', 'rekognition', 'google'"),
        ("TESSERA_AZURE_KEY", "two words", "TESSERA_AZURE_KEY"),
        ("TESSERA_MAX_MAP_DROP", "1.1", "less than or equal to 1"),
        ("TESSERA_MAX_MAP_DROP", "nan", "finite number"),
        ("TESSERA_SHUTDOWN_S", "0", "greater than 0"),
        ("TESSERA_LAYOUTS", "2x1,2x", "'2x' is not a layout"),
        ("TESSERA_LAYOUTS", "6x6", "'6x6' is not a layout"),
        ("TESSERA_S3_BUCKETS", "my bucket", "is no bucket's name or pattern"),
        ("TESSERA_GCS_BUCKETS", "gs://photos", "is no bucket's name or pattern"),
        ("TESSERA_URL_HOSTS", "https://a.example", "is no host's name or pattern"),
        ("TESSERA_S3_BUCKETS", "arn:aws:s3:::photos", "is no bucket's name or pattern"),
        ("TESSERA_UPSTREAM_URL", "emulator:9000", "http:// or https://"),
        ("TESSERA_UPSTREAM_URL", "http://", "http:// or https://"),
        ("TESSERA_UPSTREAM_URL", "http://[::1", "not an address"),
        ("TESSERA_REDIS_URL", "http://redis", "redis:// or rediss:// or unix://"),
        ("TESSERA_REDIS_URL", "redis://redis:70000", "not an address"),
        ("TESSERA_REDIS_URL", "redis+sentinel://redis", "the master's name is missing"),
        ("TESSERA_UPSTREAM_GRPC", "http://emulator:9000", "host:port"),
        ("TESSERA_UPSTREAM_GRPC", "emulator", "host:port"),
        ("TESSERA_UPSTREAM_GRPC", "emulator:0", "host:port"),
        ("TESSERA_GOOGLE_API_KEY", "k\u00e9y", "characters that no key has"),
        ("TESSERA_MODEL", "no/such/file.onnx", "no such file"),
        ("TESSERA_MODEL_RECIPE", "no/such/file.toml", "no such file"),
        ("TESSERA_PRICE_PER_INFERENCE", "-1", "greater than or equal to 0"),
        ("TESSERA_AWS_REGION", "Mars 1", "pattern"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(name: str, text: str, complaint: str) -> None:
    message = refusal({name: text})
    assert f"  {name}: " in message
    assert complaint in message


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"TESSERA_REQUEST_TIMEOUT_MS": "200"}, "TESSERA_REQUEST_TIMEOUT_MS: must be longer than TESSERA_MAX_WAIT_MS"),
        ({"TESSERA_ROLE": "api"}, "TESSERA_ROLE=api: needs TESSERA_REDIS_URL"),
        ({"TESSERA_ROLE": "worker"}, "TESSERA_ROLE=worker: needs TESSERA_REDIS_URL"),
        ({"TESSERA_RESULT_CACHE_S": "9", "TESSERA_JOIN_EQUAL": "false"}, "TESSERA_RESULT_CACHE_S: needs TESSERA_JOIN_EQUAL"),
        ({"TESSERA_REDIS_SHARDS": "2"}, "TESSERA_REDIS_SHARDS: has no effect without TESSERA_REDIS_URL"),
        ({"TESSERA_MIN_AGREEMENT": "0.9"}, "TESSERA_MIN_AGREEMENT: needs TESSERA_SHADOW_PERCENT"),
        ({"TESSERA_SHADOW_PERCENT": "101"}, "TESSERA_SHADOW_PERCENT: should be less than or equal to 100"),
        ({"TESSERA_MIN_AGREEMENT": "90", "TESSERA_SHADOW_PERCENT": "1"}, "TESSERA_MIN_AGREEMENT: should be less than"),
        ({"TESSERA_AZURE_KEY": "k"}, "TESSERA_AZURE_KEY: has an effect only with"),
        ({"TESSERA_MODEL": __file__, "TESSERA_PROVIDER": "rekognition"}, "TESSERA_MODEL: has an effect only with"),
        ({"TESSERA_PROVIDER": "onnx"}, "TESSERA_PROVIDER=onnx: needs TESSERA_MODEL"),
        ({"TESSERA_PROVIDER": "torch"}, "TESSERA_PROVIDER=torch: needs TESSERA_MODEL"),
        ({"TESSERA_PROVIDER": "torch", "TESSERA_MODEL": __file__}, "TESSERA_MODEL: for torch it is detr:NAME, "),
        ({"TESSERA_PROVIDER": "onnx", "TESSERA_MODEL": "detr:x"}, "TESSERA_MODEL: there is no such file (given: 'detr:x')"),
        (
            {"TESSERA_PROVIDER": "onnx", "TESSERA_MODEL": __file__, "TESSERA_UPSTREAM_URL": "http://x"},
            "TESSERA_UPSTREAM_URL: has no effect with TESSERA_PROVIDER=onnx",
        ),
        ({"TESSERA_MODEL_RECIPE": __file__}, "TESSERA_MODEL_RECIPE: has an effect only with TESSERA_PROVIDER=onnx"),
        ({"TESSERA_PRICE_PER_INFERENCE": "0.1"}, "TESSERA_PRICE_PER_INFERENCE: has an effect only with"),
    ],
)
def test_entries_that_contradict_each_other_are_refused(environ: dict[str, str], complaint: str) -> None:
    assert complaint in refusal(environ)


@pytest.mark.parametrize("model", ["detr:facebook/detr-resnet-50", "detr:models/my detr", "fasterrcnn:default"])
def test_models_of_torch_have_a_kind_and_a_place(model: str) -> None:
    assert load_settings({"TESSERA_PROVIDER": "torch", "TESSERA_MODEL": model}).model == model


def test_roles_apart_are_accepted_where_they_can_meet() -> None:
    assert load_settings({"TESSERA_ROLE": "api", "TESSERA_REDIS_URL": "redis://redis"}).role == "api"


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("TESSERA_PROT", "did you mean TESSERA_PORT?"),
        ("TESSERA_MAX_WAIT", "did you mean TESSERA_MAX_WAIT_MS?"),
        ("TESSERA_REDISURL", "did you mean TESSERA_REDIS_URL?"),
        ("tessera_port", "did you mean TESSERA_PORT?"),
        ("TESSERA_API_SERVICE_HOST", "enableServiceLinks"),
        ("TESSERA_API_PORT_8080_TCP_ADDR", "enableServiceLinks"),
    ],
)
def test_an_unknown_name_is_an_error_with_a_hint(name: str, hint: str) -> None:
    message = refusal({name: "1"})
    assert f"  {name}: " in message
    assert hint in message


def test_a_service_link_in_place_of_the_port_is_recognised() -> None:
    assert "enableServiceLinks" in refusal({"TESSERA_PORT": "tcp://10.0.0.7:8080"})


def test_other_programs_names_and_the_test_suites_own_are_ignored() -> None:
    assert load_settings({"PATH": "/bin", "TESSERA_TEST_REDIS": "x", "MY_TESSERA_PORT": "1"}) == load_settings({})


def test_every_problem_is_told_at_once() -> None:
    message = refusal({"TESSERA_PORT": "x", "TESSERA_ROLE": "y", "TESSERA_PROT": "1"})
    assert [line.split(":")[0].strip() for line in message.splitlines()[1:]] == ["TESSERA_PROT", "TESSERA_PORT", "TESSERA_ROLE"]


def test_the_file_is_read_and_the_environment_wins(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("# ours\nTESSERA_PORT=1000\nexport TESSERA_HOST='0.0.0.0'\nOTHER=1\nTESSERA_REDIS_URL=redis://:a$b@h\n")
    settings = load_settings({"TESSERA_PORT": "2000"}, env_file)
    assert (settings.port, settings.host, settings.redis_url) == (2000, "0.0.0.0", "redis://:a$b@h")


def test_an_unknown_name_in_the_file_is_an_error_too(tmp_path: Path) -> None:
    env_file = tmp_path / ".env"
    env_file.write_text("TESSERA_PROT=1\n")
    assert "did you mean TESSERA_PORT?" in refusal({}, env_file)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"TESSERA_PORT=1\n= 3\n", ".env, line 2: not of the form NAME=value"), (b"TESSERA_HOST=\xff\n", ".env: cannot be read")],
)
def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path, content: bytes, complaint: str) -> None:
    env_file = tmp_path / ".env"
    env_file.write_bytes(content)
    assert complaint in refusal({}, env_file)


def test_a_missing_file_is_no_error(tmp_path: Path) -> None:
    assert load_settings({}, tmp_path / ".env") == load_settings({})


def test_a_directory_in_place_of_the_file_is_an_error(tmp_path: Path) -> None:
    assert "cannot be read" in refusal({}, tmp_path)


def test_settings_never_look_at_the_environment_by_themselves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TESSERA_PORT", "1234")
    assert Settings().port == 8080


def test_settings_cannot_be_changed() -> None:
    settings = load_settings({})
    with pytest.raises(ValidationError, match="frozen"):
        settings.port = 1


def test_milliseconds_are_also_given_in_seconds() -> None:
    settings = Settings(max_wait_ms=150, request_timeout_ms=2500, provider_timeout_ms=100)
    assert (settings.max_wait_s, settings.request_timeout_s, settings.provider_timeout_s) == (0.15, 2.5, 0.1)


def test_the_table_documents_every_setting() -> None:
    lines = settings_table().splitlines()
    assert len(lines) == 2 + len(Settings.model_fields)
    for field, info in Settings.model_fields.items():
        line = next(line for line in lines if f"`{env_name(field)}`" in line)
        assert info.description
        assert info.description in line
    assert "| `TESSERA_MAX_WAIT_MS` | `200` | ms |" in settings_table()
    assert "| `TESSERA_MIX_TENANTS` | `false` | `true`, `false` |" in settings_table()
    assert "| `TESSERA_REDIS_URL` |  | URL |" in settings_table()


@pytest.mark.parametrize(
    "url",
    [
        "redis://:hunter2@redis/0",
        "redis://me:hun@ter2@redis/0",
        "redis://redis/0?password=hunter2",
        "redis+sentinel://me:hunter2@redis,b/ours?sentinel_password=hunter2",
    ],
)
def test_passwords_are_in_no_view_no_representation_and_no_message(url: str) -> None:
    settings = load_settings({"TESSERA_REDIS_URL": url})
    for shown in (str(public_view(settings)), repr(settings), str(settings)):
        assert "ter2" not in shown
    assert "redis" in str(public_view(settings)["TESSERA_REDIS_URL"])


def test_a_key_is_in_no_view_no_representation_and_no_message() -> None:
    settings = load_settings({"TESSERA_PROVIDER": "azure", "TESSERA_AZURE_KEY": "hunter2"})
    assert settings.azure_key == "hunter2"
    for shown in (str(public_view(settings)), repr(settings), str(settings), refusal({"TESSERA_AZURE_KEY": "hun ter2"})):
        assert "ter2" not in shown
    assert public_view(Settings())["TESSERA_AZURE_KEY"] is None


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    """As Docker and Kubernetes hand them over, with a line end or without."""
    secret = tmp_path / "secret"
    secret.write_text("redis://:hunter2@redis/0\n")
    settings = load_settings({"TESSERA_REDIS_URL_FILE": str(secret)})
    assert settings.redis_url == "redis://:hunter2@redis/0"
    assert "hunter2" not in str(public_view(settings))
    assert public_view(settings).keys() == NAMES.keys()


@pytest.mark.parametrize("name", ["GOOGLE_API_KEY", "AZURE_KEY", "OPS_TOKEN"])
def test_so_may_every_other_secret(tmp_path: Path, name: str) -> None:
    provider = {"GOOGLE_API_KEY": "google", "AZURE_KEY": "azure"}.get(name, "emulator")
    secret = tmp_path / "secret"
    secret.write_text("hunter2-hunter2-hunter2")
    settings = load_settings({f"TESSERA_{name}_FILE": str(secret), "TESSERA_PROVIDER": provider})
    assert getattr(settings, name.lower()) == "hunter2-hunter2-hunter2"
    assert public_view(settings)[f"TESSERA_{name}"] == "***"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("content", "also", "complaint"),
    [
        (None, {}, "TESSERA_REDIS_URL_FILE: cannot be read (FileNotFoundError)"),
        (b"\xff\xfe", {}, "TESSERA_REDIS_URL_FILE: cannot be read (UnicodeDecodeError)"),
        (b" \n", {}, "TESSERA_REDIS_URL_FILE: the file is empty"),
        (b"redis://a", {"TESSERA_REDIS_URL": "redis://b"}, "TESSERA_REDIS_URL is given, too"),
        (b"http://:hunter2@redis", {}, "TESSERA_REDIS_URL: should be an address that begins with redis://"),
    ],
)
def test_what_is_wrong_with_a_secrets_file(tmp_path: Path, content: bytes | None, also: dict[str, str], complaint: str) -> None:
    secret = tmp_path / "secret"
    if content is not None:
        secret.write_bytes(content)
    told = refusal({"TESSERA_REDIS_URL_FILE": str(secret), **also})
    assert complaint in told
    assert "hunter2" not in told


def test_only_secrets_have_files() -> None:
    assert "TESSERA_PORT_FILE: unknown" in refusal({"TESSERA_PORT_FILE": "x"})


def test_the_operators_token_is_not_to_be_guessed() -> None:
    told = refusal({"TESSERA_OPS_TOKEN": "hunter2"})
    assert "TESSERA_OPS_TOKEN" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("name", ["TESSERA_TLS_CERT", "TESSERA_TLS_KEY"])
def test_a_certificate_and_its_key_belong_together(tmp_path: Path, name: str) -> None:
    file = tmp_path / "x.pem"
    file.write_text("x")
    assert "one is of no use without the other" in refusal({name: str(file)})


def test_googles_key_is_in_none_either() -> None:
    settings = load_settings({"TESSERA_PROVIDER": "google", "TESSERA_GOOGLE_API_KEY": "hunter2"})
    for shown in (str(public_view(settings)), repr(settings), refusal({"TESSERA_GOOGLE_API_KEY": "hunter2\u00e9"})):
        assert "hunter2" not in shown
    assert public_view(settings)["TESSERA_GOOGLE_API_KEY"] == "***"
    assert public_view(load_settings({}))["TESSERA_GOOGLE_API_KEY"] is None


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ({"TESSERA_GOOGLE_API_KEY": "k"}, "TESSERA_GOOGLE_API_KEY: has an effect only with TESSERA_PROVIDER=google"),
        ({"TESSERA_UPSTREAM_GRPC": "h:1"}, "TESSERA_UPSTREAM_GRPC: has an effect only with TESSERA_PROVIDER=google"),
        ({"TESSERA_UPSTREAM_GRPC": "h:1", "TESSERA_PROVIDER": "google"}, "TESSERA_UPSTREAM_GRPC: needs TESSERA_UPSTREAM_URL"),
    ],
)
def test_what_is_only_for_google_says_so(given: dict[str, str], complaint: str) -> None:
    assert complaint in refusal(given)


@pytest.mark.parametrize("address", ["emulator:8091", "127.0.0.1:8091", "[::1]:8091"])
def test_grpc_may_be_elsewhere(address: str) -> None:
    given = {"TESSERA_PROVIDER": "google", "TESSERA_UPSTREAM_URL": "http://emulator", "TESSERA_UPSTREAM_GRPC": address}
    assert load_settings(given).upstream_grpc == address


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://:hunter2@redis:0",
        "http://:hunter2@redis",
        "redis://me:ter2/x@redis",
        "redis://:ter2@[::1",
        "redis://me:ter2#@redis",
    ],
)
@pytest.mark.parametrize("name", ["TESSERA_REDIS_URL", "TESSERA_UPSTREAM_URL", "TESSERA_PORT"])
def test_a_refusal_quotes_no_password(name: str, url: str) -> None:
    assert "ter2" not in refusal({name: url, "TESSERA_HOTS": ""})


def test_the_public_view_is_plain_values_under_environment_names() -> None:
    view = public_view(load_settings({"TESSERA_LAYOUTS": "2x1"}))
    assert view.keys() == NAMES.keys()
    assert view["TESSERA_LAYOUTS"] == ["2x1"]
    assert view["TESSERA_PORT"] == 8080
