"""Every setting of Tessera: one frozen class, read once at start-up.

In: the environment (`TESSERA_*`) and a `.env` file, both passed in; the environment wins over the file. Out: `Settings`, or one
`SettingsError` whose message lists everything that is wrong. Callers: `main` and `cli`; nobody else reads settings.

An empty value counts as not set, because compose files and shells leave empty ones behind. Names that begin with `TESSERA_` and
are not known are errors (a mistyped limit must not be silently without effect); `TESSERA_TEST_*` belongs to the test suite.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args, get_origin
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.redis_address import parse as parse_redis_address
from app.settings_files import read_env_file, read_files

PREFIX = "TESSERA_"
TEST_PREFIX = "TESSERA_TEST_"

LOCAL_PROVIDERS = frozenset({"onnx", "torch"})

# Kubernetes gives every pod variables named after the services beside it; a service called "tessera..." collides with ours.
SERVICE_LINK_NAME = re.compile(r"_SERVICE_HOST$|_SERVICE_PORT(_\w+)?$|_PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?$")
SERVICE_LINK_VALUE = re.compile(r"^(tcp|udp|sctp)://")
SERVICE_LINK_HINT = "this looks like a Kubernetes service link: set `enableServiceLinks: false` in the pod"

REDIS_SCHEMES = ("redis", "rediss", "unix")
HTTP_SCHEMES = ("http", "https")
MIB = 1024 * 1024  # bytes

Role = Literal["all", "api", "worker"]
Provider = Literal["emulator", "rekognition", "google", "azure", "onnx", "torch"]
GridMode = Literal["kept", "paper"]
Classify = Literal["detection", "alone"]
LogFormat = Literal["json", "console"]
LogLevel = Literal["debug", "info", "warning", "error"]
Names = Annotated[tuple[str, ...], NoDecode]  # written with commas between

HOST_NAME = re.compile(r"[0-9A-Za-z._*?-]{1,253}(:[0-9]{1,5})?")  # a host's name or IPv4 address, with wildcards, and a port
BUCKET_NAME = re.compile(r"[0-9A-Za-z._*?-]{1,255}")  # the pattern of Rekognition's own service model, and wildcards
LAYOUT_NAME = re.compile(r"[1-5]x[1-5]")  # the paper's table ends at 5x5
TORCH_MODEL = re.compile(r"(?:detr|fasterrcnn):\S(?:.*\S)?")
MEANS_NAME = re.compile(r"shapes|scout|escalation|none")
HOST_PORT = re.compile(r"(?:[0-9A-Za-z._-]+|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]{0,4}")
# Greedy up to the last "@": a password may hold any character, a host cannot hold that one.
URL_USER = re.compile(r"://\S*@")
URL_QUERY = re.compile(r"(://[^\s?]*)\?\S*")
HIDDEN = "***"
# Entries that are secrets as a whole; they also have `repr=False`, so that no error quotes them.
SECRETS = frozenset({"google_api_key", "azure_key", "ops_token"})
# Entries that may stand in a file of their own, as Docker and Kubernetes hand over secrets: TESSERA_..._FILE names it.
IN_FILES = SECRETS | {"redis_url"}
FILE_SUFFIX = "_FILE"


class SettingsError(Exception):
    """The settings cannot be used; the message lists every problem, one per line."""


def _entry(default: Any, unit: str, help: str, **limits: Any) -> Any:
    """A setting with what the README's table needs; `limits` are pydantic's."""
    return Field(default, description=help, json_schema_extra={"unit": unit}, **limits)


class Settings(BaseSettings):
    """What the operator chose. Building one never looks at the environment: `load_settings` does, where it is told to."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", allow_inf_nan=False)

    # How it listens. Loopback by default: anybody who reaches the port spends the operator's money.
    host: str = _entry("127.0.0.1", "", "Address to listen on; 0.0.0.0 for all (the container image sets that).", min_length=1)
    port: int = _entry(8080, "", "HTTP port; 0 lets the system choose one.", ge=0, le=65535)
    grpc_port: int = _entry(8081, "", "gRPC port (Google Vision); 0 lets the system choose one.", ge=0, le=65535)
    role: Role = _entry("all", "", "What this process does: all, the clients' side or the paid side (these two need Redis).")

    # Who is paid.
    provider: Provider = _entry("emulator", "", "The upstream that is paid; the emulator costs nothing.")
    upstream_url: str | None = _entry(None, "URL", "Another address for the provider, such as a running emulator's.")
    upstream_grpc: str | None = _entry(None, "host:port", "Where Google's gRPC is spoken, when not at the address above.")
    google_api_key: str | None = _entry(None, "", "API key for Google, in place of its default credentials.", repr=False)
    aws_region: str = _entry("us-east-1", "", "Region for AWS where its own configuration names none.", pattern=r"^[a-z0-9-]+$")
    azure_key: str | None = _entry(
        None, "", "Key of the Azure resource; without it VISION_KEY counts.", repr=False, pattern=r"^[!-~]{1,1000}$"
    )
    s3_buckets: Names = _entry((), "list", "Buckets that requests may name, comma between; none by default.")
    gcs_buckets: Names = _entry((), "list", "Cloud Storage buckets that requests may name, comma between; none by default.")
    url_hosts: Names = _entry((), "list", "Hosts (`*` for any part, `:port` but for 80 and 443) of images; none by default.")
    model: str | None = _entry(
        None, "file", "Model of a local provider (`torch`: `detr:...` or `fasterrcnn:...`); or the emulator's eyes."
    )
    model_recipe: str | None = _entry(None, "file", "What has to be known of the model, when not in a TOML file beside it.")
    price_per_inference: float = _entry(0.0, "dollars", "What one inference of a local model costs you.", ge=0)

    # Who is let in. Without the file everybody is, and is told apart by the key that he shows.
    clients: str | None = _entry(None, "file", "TOML file with the clients that are let in, their keys and their limits.")
    tenant_images_per_s: float | None = _entry(
        None, "images/s", "Most images per second of each client that has no rate of its own; unset: no limit.", gt=0, le=1e6
    )
    tenant_burst: float | None = _entry(
        None, "images", "Images that may come at once after a pause; unset: those of one second.", ge=1, le=1e6
    )
    tenant_dollars_per_month: float | None = _entry(
        None, "dollars", "Budget of each client without one of his own, at list price; unset: no limit.", ge=0, le=1e6
    )
    tenant_inferences_per_month: float | None = _entry(
        None, "inferences", "The same in inferences, for providers without a price.", ge=0, le=1e9
    )
    ops_token: str | None = _entry(
        None,
        "",
        "What `/metrics`, `/v1/stats` and `/dashboard` ask for; without it they are open.",
        repr=False,
        pattern=r"^[!-~]{16,1000}$",
    )
    tls_cert: str | None = _entry(None, "file", "Certificate chain (PEM): HTTP and gRPC are then served over TLS only.")
    tls_key: str | None = _entry(None, "file", "Its key (PEM), without a password.")

    # Where images wait. Without Redis they are gathered in this process.
    redis_url: str | None = _entry(None, "URL", "Redis where API and worker processes meet: docs/redis.md.", repr=False)
    redis_shards: int = _entry(1, "shards", "Independent parts of Redis that lanes are spread over.", ge=1, le=1024)
    max_pending: int = _entry(2000, "images", "Most images waiting, per shard; above it they go alone.", ge=1, le=1_000_000)

    # How long things take.
    max_wait_ms: int = _entry(200, "ms", "Longest time that an image waits for company.", ge=0, le=60_000)
    request_timeout_ms: int = _entry(30_000, "ms", "Time until an answer must be there, all included.", ge=100, le=600_000)
    provider_timeout_ms: int = _entry(10_000, "ms", "Longest wait for one answer of the provider.", ge=100, le=300_000)
    # 0: a process that no balancer watches loses nothing by closing at once. Behind one: its check period x allowed failures.
    drain_s: float = _entry(0.0, "s", "Time that readiness is down before the listener closes, for a balancer.", ge=0, le=600)
    # 25: inside the 30 s that Kubernetes and most supervisors grant between SIGTERM and SIGKILL.
    shutdown_s: float = _entry(25.0, "s", "Longest time for finishing, once the listener is closed.", gt=0, le=600)

    # How dense grids are.
    max_map_drop: float = _entry(0.03, "mAP", "Accuracy budget: largest accepted drop in mAP@0.5; 0: all alone.", ge=0, le=1)
    layouts: Names = _entry((), "list", "Grids (rows x columns), comma between, in place of the budget; for example `2x1,2x2`.")
    grid_mode: GridMode = _entry("kept", "", "Keep each image's aspect, or stretch to fixed cells as the paper does.")
    calibration: str | None = _entry(
        None, "file", "What `tessera calibrate` found, in place of the paper's table and careful margins."
    )
    scout: str | None = _entry(None, "file", "ONNX detector that looks at each image first; needs a calibration made with it.")
    scout_recipe: str | None = _entry(None, "file", "What has to be known of the scout, when not in a TOML file beside it.")
    means: Names = _entry(
        ("shapes", "scout", "escalation"),
        "list",
        "What a calibrated mix may use: `shapes`, `scout`, `escalation`, or `none` of them.",
    )
    classify: Classify | None = _entry(
        None, "`detection`, `alone`", "Labels of images: by detection on grids, or alone; unset: as docs/classify.md says."
    )
    moderate_group: int = _entry(9, "images", "Largest group that is tested for unsafe content; 1: all alone.", ge=1, le=25)
    grid_text: bool = _entry(False, "", "Whether text may share grids: small print suffers most.")
    join_equal: bool = _entry(True, "", "Whether equal images of one tenant, under way at once, are paid once.")
    result_cache_s: float = _entry(
        0.0, "s", "For so long an answer is given again to the same question of the same tenant; 0: off.", ge=0, le=86_400
    )
    mix_tenants: bool = _entry(False, "", "Whether images of different tenants may share a grid.")

    # Watching the accuracy live.
    shadow_percent: float = _entry(0.0, "%", "Share of the images of grids that is also sent alone, to compare.", ge=0, le=100)
    min_agreement: float | None = _entry(
        None, "", "Agreement of grids with single answers (0 to 1) below which grids get sparser by themselves.", ge=0, le=1
    )

    # Limits.
    # 4096: an idle one takes 7 kB, and HTTP and gRPC together stay far below what containers may open (a million files).
    max_connections: int = _entry(
        4096, "connections", "Most clients' connections at once, to HTTP and to gRPC each.", ge=1, le=100_000
    )
    # 60: 5 MB over a slow line (200 kB/s) take 25.
    client_timeout_s: float = _entry(
        60.0, "s", "Longest time for a client to send a request's head, its body, and to take its answer.", ge=0.1, le=600
    )
    max_inflight: int = _entry(32, "sheets", "Most sheets that one worker has under way at once.", ge=1, le=1024)
    max_alone: int = _entry(64, "images", "Most images that one process sends alone at once.", ge=1, le=4096)
    # 21 MiB: the largest image that any vendor takes (Azure: 20 MiB), in a form; a bit more is refused in the vendor's words.
    max_body_bytes: int = _entry(21 * MIB, "bytes", "Largest request body.", ge=1024, le=1024 * MIB)
    # 512 MiB: 1,700 requests with photographs of 200 kB at once, and a process of 1.5 GB still has room to decode.
    max_held_bytes: int = _entry(512 * MIB, "bytes", "Most that all request bodies together hold in memory.", ge=1024)
    # 64 million: a 50-megapixel telephone passes, decoded it takes 192 MB, and Pillow's bomb warning (89 million) stays away.
    max_pixels: int = _entry(64_000_000, "pixels", "Largest image, width x height, before decoding.", ge=10_000, le=80_000_000)
    compose_threads: int = _entry(0, "threads", "Threads that decode, and as many that compose; 0: one per core.", ge=0, le=256)

    log_format: LogFormat = _entry("json", "", "Log lines for machines or for people.")
    log_level: LogLevel = _entry("info", "", "Lowest level that is logged.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in: the environment is read in `load_settings`, so that a test's or a reader's never leaks in."""
        return (init_settings,)

    @field_validator("s3_buckets", "gcs_buckets", "url_hosts", "layouts", "means", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("s3_buckets", "gcs_buckets")
    @classmethod
    def _buckets_are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, BUCKET_NAME, "is no bucket's name or pattern")

    @field_validator("url_hosts")
    @classmethod
    def _url_hosts_are_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, HOST_NAME, "is no host's name or pattern")

    @field_validator("layouts")
    @classmethod
    def _layouts_are_layouts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, LAYOUT_NAME, "is not a layout (rows x columns, 1x1 to 5x5, for example 2x1)")

    @field_validator("means")
    @classmethod
    def _means_are_known(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return _all_match(value, MEANS_NAME, "is none of shapes, scout, escalation (or none)")

    @field_validator("redis_url")
    @classmethod
    def _redis_url_is_url(cls, value: str | None) -> str | None:
        if value is not None and parse_redis_address(value) is not None:
            return value
        return _checked_url(value, REDIS_SCHEMES)

    @field_validator("upstream_url")
    @classmethod
    def _upstream_url_is_url(cls, value: str | None) -> str | None:
        return _checked_url(value, HTTP_SCHEMES)

    @field_validator("upstream_grpc")
    @classmethod
    def _upstream_grpc_is_host_and_port(cls, value: str | None) -> str | None:
        if value is not None and not HOST_PORT.fullmatch(value):
            raise ValueError("should be host:port")
        return value

    @field_validator("google_api_key")
    @classmethod
    def _key_fits_a_header(cls, value: str | None) -> str | None:
        if value is not None and not (value.isascii() and value.isprintable()):
            raise ValueError("holds characters that no key has")
        return value

    @field_validator("tls_cert", "tls_key", "model_recipe", "clients", "calibration", "scout", "scout_recipe")
    @classmethod
    def _file_is_there(cls, value: str | None) -> str | None:
        if value is not None and not Path(value).is_file():
            raise ValueError("there is no such file")
        return value

    @model_validator(mode="after")
    def _entries_agree(self) -> Self:
        problems = _disagreements(self)
        if problems:
            raise ValueError("\n".join(problems))
        return self

    @property
    def max_wait_s(self) -> float:
        return self.max_wait_ms / 1000

    @property
    def request_timeout_s(self) -> float:
        return self.request_timeout_ms / 1000

    @property
    def provider_timeout_s(self) -> float:
        return self.provider_timeout_ms / 1000


def load_settings(environ: Mapping[str, str], env_file: Path | None = None) -> Settings:
    """Read `.env` (where there is one) and then the environment. Raises `SettingsError` with everything that is wrong."""
    problems: list[str] = []
    given = {**read_env_file(env_file, problems), **environ}
    values: dict[str, str] = {}
    for name, value in {**given, **read_files(given, FILE_NAMES, problems)}.items():
        if not name.upper().startswith(PREFIX) or name.startswith(TEST_PREFIX) or name in FILE_NAMES:
            continue
        if name not in NAMES:
            problems.append(_unknown(name))
        elif value.strip():
            values[NAMES[name]] = value.strip()
    try:
        settings = Settings(**values)  # type: ignore[arg-type]  # pydantic turns text into each entry's type
    except ValidationError as error:
        problems.extend(_readable(error))
    else:
        if not problems:
            return settings
    raise SettingsError("Tessera cannot start with these settings:\n" + "\n".join(f"  {line}" for line in problems))


def env_name(field: str) -> str:
    """`max_wait_ms` -> `TESSERA_MAX_WAIT_MS`."""
    return PREFIX + field.upper()


NAMES: Mapping[str, str] = {env_name(field): field for field in Settings.model_fields}
# TESSERA_REDIS_URL_FILE -> TESSERA_REDIS_URL
FILE_NAMES: Mapping[str, str] = {env_name(field) + FILE_SUFFIX: env_name(field) for field in sorted(IN_FILES)}


def settings_table() -> str:
    """The README's table of settings, in Markdown."""
    rows = ["| Setting | Default | Unit | Meaning |", "|---|---|---|---|"]
    for field, info in Settings.model_fields.items():
        extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
        unit = str(extra.get("unit", "")) or _choices(info.annotation)
        rows.append(f"| `{env_name(field)}` | {_shown_default(info.default)} | {unit} | {info.description} |")
    return "\n".join(rows) + "\n"


def public_view(settings: Settings) -> dict[str, object]:
    """The settings by their environment names, fit to be shown: passwords inside addresses are hidden."""
    view: dict[str, object] = {}
    for field in Settings.model_fields:
        value = getattr(settings, field)
        shown = _without_secrets(value) if isinstance(value, str) else value
        if field in SECRETS and value is not None:
            shown = HIDDEN
        view[env_name(field)] = list(shown) if isinstance(shown, tuple) else shown
    return view


def _unknown(name: str) -> str:
    if SERVICE_LINK_NAME.search(name):
        return f"{name}: unknown; {SERVICE_LINK_HINT}"
    nearest = difflib.get_close_matches(name.upper(), [*NAMES, *FILE_NAMES], n=1, cutoff=0.0)
    return f"{name}: unknown; did you mean {nearest[0]}?"


def _readable(error: ValidationError) -> list[str]:
    """One line per problem, under the environment's name; what was given is quoted unless it may be a secret."""
    lines: list[str] = []
    for problem in error.errors():
        message = problem["msg"].removeprefix("Value error, ").replace("Input should", "should")
        if not problem["loc"]:
            lines.extend(message.split("\n"))
            continue
        field, given = str(problem["loc"][0]), str(problem["input"])
        if SERVICE_LINK_VALUE.match(given):
            message = SERVICE_LINK_HINT
        elif Settings.model_fields[field].repr:
            message = f"{message} (given: {_without_secrets(given)!r})"
        lines.append(f"{env_name(field)}: {message}")
    return lines


def _disagreements(settings: Settings) -> list[str]:
    """What no single entry can see."""
    together = (
        (
            settings.request_timeout_ms <= settings.max_wait_ms,
            "TESSERA_REQUEST_TIMEOUT_MS: must be longer than TESSERA_MAX_WAIT_MS, or no image could wait for company",
        ),
        (
            settings.max_held_bytes < settings.max_body_bytes,
            "TESSERA_MAX_HELD_BYTES: must be at least TESSERA_MAX_BODY_BYTES, or such a body could not come in",
        ),
        (
            settings.role != "all" and settings.redis_url is None,
            f"TESSERA_ROLE={settings.role}: needs TESSERA_REDIS_URL, where API and worker processes meet",
        ),
        (
            (settings.tls_cert is None) != (settings.tls_key is None),
            "TESSERA_TLS_CERT and TESSERA_TLS_KEY: one is of no use without the other",
        ),
        (
            settings.redis_shards > 1 and settings.redis_url is None,
            "TESSERA_REDIS_SHARDS: has no effect without TESSERA_REDIS_URL",
        ),
        (settings.result_cache_s > 0 and not settings.join_equal, "TESSERA_RESULT_CACHE_S: needs TESSERA_JOIN_EQUAL"),
        (
            settings.min_agreement is not None and settings.shadow_percent == 0,
            "TESSERA_MIN_AGREEMENT: needs TESSERA_SHADOW_PERCENT, or nothing would be compared",
        ),
        (
            settings.tenant_burst is not None and settings.tenant_images_per_s is None,
            "TESSERA_TENANT_BURST: needs TESSERA_TENANT_IMAGES_PER_S, or nothing would be limited",
        ),
        (
            settings.scout_recipe is not None and settings.scout is None,
            "TESSERA_SCOUT_RECIPE: has no effect without TESSERA_SCOUT",
        ),
        (
            settings.azure_key is not None and settings.provider != "azure",
            "TESSERA_AZURE_KEY: has an effect only with TESSERA_PROVIDER=azure",
        ),
    )
    found = [said for is_wrong, said in together if is_wrong]
    return [*found, *_google_disagreements(settings), *_local_disagreements(settings)]


def _local_disagreements(settings: Settings) -> list[str]:
    """What belongs to a model in this process, and what belongs to a vendor elsewhere."""
    problems = []
    if settings.model is not None and settings.provider != "torch" and not Path(settings.model).is_file():
        problems.append(f"TESSERA_MODEL: there is no such file (given: {settings.model!r})")
    if settings.provider in LOCAL_PROVIDERS:
        if settings.model is None:
            problems.append(f"TESSERA_PROVIDER={settings.provider}: needs TESSERA_MODEL, the model to run")
        elif settings.provider == "torch" and not TORCH_MODEL.fullmatch(settings.model):
            problems.append("TESSERA_MODEL: for torch it is detr:NAME, detr:FOLDER, fasterrcnn:FILE or fasterrcnn:default")
        if settings.upstream_url is not None:
            problems.append(f"TESSERA_UPSTREAM_URL: has no effect with TESSERA_PROVIDER={settings.provider}")
        return problems
    if settings.model is not None and settings.provider != "emulator":
        problems.append("TESSERA_MODEL: has an effect only with TESSERA_PROVIDER=onnx, torch or emulator")
    given = [name for name in ("model_recipe", "price_per_inference") if getattr(settings, name)]
    return [*problems, *(f"{env_name(name)}: has an effect only with TESSERA_PROVIDER=onnx or torch" for name in given)]


def _google_disagreements(settings: Settings) -> list[str]:
    if settings.provider != "google":
        given = [name for name in ("upstream_grpc", "google_api_key") if getattr(settings, name) is not None]
        return [f"{env_name(name)}: has an effect only with TESSERA_PROVIDER=google" for name in given]
    if settings.upstream_grpc is not None and settings.upstream_url is None:
        return ["TESSERA_UPSTREAM_GRPC: needs TESSERA_UPSTREAM_URL, which says where REST is, and whether in plain text"]
    return []


def _all_match(values: tuple[str, ...], pattern: re.Pattern[str], complaint: str) -> tuple[str, ...]:
    for value in values:
        if not pattern.fullmatch(value):
            raise ValueError(f"{value!r} {complaint}")
    return values


def _checked_url(value: str | None, schemes: tuple[str, ...]) -> str | None:
    if value is None:
        return None
    try:
        parts = urlsplit(value)
        usable = parts.scheme in schemes and bool(parts.hostname or parts.scheme == "unix") and parts.port != 0
    except ValueError:
        # Its own words may quote a part of the password, so they are not passed on.
        raise ValueError("not an address; in a password the characters / ? # [ ] must be percent-encoded") from None
    if not usable:
        raise ValueError(f"should be an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
    return value


def _without_secrets(text: str) -> str:
    """An address without user, password and query: any of them may hold a secret. Other text stays as it is."""
    return URL_QUERY.sub(rf"\1?{HIDDEN}", URL_USER.sub(f"://{HIDDEN}@", text))


def _choices(annotation: object) -> str:
    """`all, api, worker` for a choice, `true, false` for a switch, nothing for free text."""
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    return "`true`, `false`" if annotation is bool else ""


def _shown_default(default: object) -> str:
    if default is None or default == ():
        return ""
    if isinstance(default, tuple):
        return f"`{','.join(default)}`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
