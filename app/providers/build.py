"""From settings to a provider: the one place that knows which implementation a provider's name stands for.

Called by the composition root. Importing it or building a provider connects to nothing; `warm_up` of the provider does.
Only a local model is read when it is built: without one there is nothing to start.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from app.providers.aws import FixedCredentials
from app.providers.azure import AzureProvider
from app.providers.connections import DEFAULT_CONNECT_TIMEOUT_S, DEFAULT_MAX_CONNECTIONS
from app.providers.contract import Upstream
from app.providers.google import GoogleProvider
from app.providers.rekognition import RekognitionProvider

REKOGNITION = "rekognition"
EMULATOR = "emulator"
AZURE = "azure"
GOOGLE = "google"
ONNX = "onnx"
TORCH = "torch"
KNOWN = (REKOGNITION, EMULATOR, GOOGLE, AZURE, ONNX, TORCH)
LOCAL = frozenset({ONNX, TORCH})

# Requests to an emulator are signed like others: the way of a request is one and the same for both. It takes any key.
EMULATOR_CREDENTIALS = FixedCredentials("TESSERA-EMULATOR", "not-a-secret")
EMULATOR_REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class ProviderOptions:
    """`upstream_url`, `credentials`: None leaves them to the vendor's own chain (environment, files, roles).

    `region` counts where AWS's chain names none. `upstream_grpc` (host:port) and `google_api_key` are for Google: where gRPC
    is spoken when not at `upstream_url`, and who pays when not whom Google's chain finds. `azure_key`: None leaves it, and the
    address without `upstream_url`, to the names of Azure's samples. `max_connections`: at least the sheets and forwarded
    requests that may be in flight at once. `model`, `model_recipe`, `dollars` (per inference) and `looks_at_once` (one per
    core) are for local models.
    """

    name: str = REKOGNITION
    upstream_url: str | None = None
    region: str | None = None
    credentials: FixedCredentials | None = None
    azure_key: str | None = field(default=None, repr=False)
    upstream_grpc: str | None = None
    google_api_key: str | None = field(default=None, repr=False)
    max_connections: int = DEFAULT_MAX_CONNECTIONS
    connect_timeout_s: float = DEFAULT_CONNECT_TIMEOUT_S
    model: str | None = None
    model_recipe: Path | None = None
    dollars: float = 0.0
    looks_at_once: int = 1

    def __post_init__(self) -> None:
        if self.name not in KNOWN:
            raise ValueError(f"no such provider: {self.name!r} (known: {', '.join(KNOWN)})")
        if self.name == EMULATOR and self.upstream_url is None:
            raise ValueError("an emulator has no address of its own: upstream_url is needed")
        if self.name in LOCAL and self.model is None:
            raise ValueError("a local provider runs a model: model is needed")
        if self.dollars < 0 or self.looks_at_once < 1:
            raise ValueError("dollars is at least 0, and looks_at_once at least 1")
        if self.upstream_url is not None:
            _require_address(self.upstream_url)
        if self.upstream_grpc is not None:
            _require_host_and_port(self.upstream_grpc)
        if self.max_connections < 1 or self.connect_timeout_s <= 0:
            raise ValueError("max_connections is at least 1, and connect_timeout_s is above 0")


def build_provider(options: ProviderOptions) -> Upstream:
    """The provider that `options.name` stands for. A local one loads its model: raises UnusableModel, OSError."""
    match options.name:
        case "google":
            return _google(options)
        case "azure":
            return _azure(options)
        case "onnx":
            return _onnx(options)
        case "torch":
            return _torch(options)
        case _:
            return _rekognition(options)


def _google(options: ProviderOptions) -> GoogleProvider:
    return GoogleProvider(
        upstream_url=options.upstream_url,
        upstream_grpc=options.upstream_grpc,
        api_key=options.google_api_key,
        max_connections=options.max_connections,
        connect_timeout_s=options.connect_timeout_s,
    )


def _azure(options: ProviderOptions) -> AzureProvider:
    return AzureProvider(
        upstream_url=options.upstream_url,
        key=options.azure_key,
        max_connections=options.max_connections,
        connect_timeout_s=options.connect_timeout_s,
    )


def _onnx(options: ProviderOptions) -> Upstream:
    """Imported here: a proxy in front of a vendor needs no onnxruntime in its memory."""
    from app.detectors.onnx import OnnxDetector
    from app.providers.local import LocalProvider

    model = OnnxDetector(Path(options.model or ""), recipe=options.model_recipe)
    return LocalProvider(ONNX, model, dollars=options.dollars, looks_at_once=options.looks_at_once)


def _torch(options: ProviderOptions) -> Upstream:
    """The same for torch, which is an extra."""
    from app.detectors.torch import TorchDetector, one_core_per_image
    from app.providers.local import LocalProvider

    model = TorchDetector(options.model or "", recipe=options.model_recipe)
    one_core_per_image()
    return LocalProvider(TORCH, model, dollars=options.dollars, looks_at_once=options.looks_at_once)


def _rekognition(options: ProviderOptions) -> RekognitionProvider:
    is_emulator = options.name == EMULATOR
    return RekognitionProvider(
        name=options.name,
        upstream_url=options.upstream_url,
        region=options.region or (EMULATOR_REGION if is_emulator else None),
        credentials=options.credentials or (EMULATOR_CREDENTIALS if is_emulator else None),
        max_connections=options.max_connections,
        connect_timeout_s=options.connect_timeout_s,
    )


def _require_address(url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise ValueError(f"upstream_url is http(s)://host[:port][/path], not {url!r}")
    _ = parts.port  # raises ValueError for what is no port


def _require_host_and_port(address: str) -> None:
    parts = urlsplit(f"//{address}")
    if not parts.hostname or not parts.port or parts.netloc != address or parts.username:
        raise ValueError(f"upstream_grpc is host:port, not {address!r}")
