"""What a path asks for. In: a request's method and path. Out: `images:annotate`, or a name for what is passed through.

REST paths are those of the service's HTTP rules: /v1 and its betas, with a project, a location or neither before the
collection. SDKs whose endpoint ends with a slash send two of them.
"""

from __future__ import annotations

import re

from app.core.model import RawRequest
from app.errors import Kind, Problem

GRPC_SERVICE = "google.cloud.vision.v1.ImageAnnotator"
GRPC_METHOD = "BatchAnnotateImages"
GRPC_PATH = f"/{GRPC_SERVICE}/{GRPC_METHOD}"
ANNOTATE = "images:annotate"
PRODUCTS = "products"

_PARENT = r"(?P<parent>projects/[^/]+(?:/locations/[^/]+)?)/"
_VERSION = r"/{1,2}(?P<version>v1(?:p[0-9]+beta[0-9]+)?)/"
_VERB = re.compile(
    rf"{_VERSION}(?:{_PARENT})?(?P<verb>images:annotate|images:asyncBatchAnnotate|files:annotate|files:asyncBatchAnnotate)",
    re.ASCII,
)
# One operation by its name; there is no list of them, which would show every client the others' operations.
_OPERATION = re.compile(
    rf"{_VERSION}(?:projects/[^/]+/)?(?:locations/[^/]+/)?operations/[^/:]+(?P<cancel>:cancel)?",
    re.ASCII,
)
# The other service of this API: product sets, products and their reference images. What is there, and with which methods.
_PRODUCTS = tuple(
    (frozenset(methods.split()), re.compile(rf"{_VERSION}projects/[^/]+/locations/[^/]+/{below}", re.ASCII))
    for methods, below in (
        ("GET POST", r"(?:productSets|products|products/[^/:]+/referenceImages)"),
        ("GET PATCH DELETE", r"(?:productSets|products)/[^/:]+"),
        ("GET DELETE", r"products/[^/:]+/referenceImages/[^/:]+"),
        ("GET", r"productSets/[^/:]+/products"),
        ("POST", r"(?:productSets/[^/:]+:(?:add|remove)Product|productSets:import|products:purge)"),
    )
)
# Everything that a client of this service could mean, of any version, so that what is wrong is said in the vendor's words.
_FAMILY = re.compile(r"/{1,2}v[0-9][0-9a-z]*/(?:images|files|operations|projects|locations)(?:[/:].*)?", re.ASCII)


class NoMethod(Problem):
    """The service has nothing there: not the same as what it has and the provider behind has not."""

    def __init__(self) -> None:
        super().__init__(Kind.UNKNOWN_OPERATION, "Method not found.")


def is_rest_path(path: str) -> bool:
    """Whether requests for this path speak the vendor's REST dialect."""
    return _FAMILY.fullmatch(path) is not None


def is_grpc(request: RawRequest) -> bool:
    """Whether the request came over gRPC; its body is a serialized message then."""
    return request.path == GRPC_PATH


def operation_of(request: RawRequest) -> str:
    """`images:annotate`, or the name of what is passed through. Raises NoMethod."""
    if is_grpc(request):
        return ANNOTATE
    called = _VERB.fullmatch(request.path)
    if called is not None and request.method == "POST":
        return called["verb"]
    operation = _OPERATION.fullmatch(request.path)
    if operation is not None and request.method == ("POST" if operation["cancel"] else "GET"):
        return "operations"
    if any(request.method in methods and path.fullmatch(request.path) for methods, path in _PRODUCTS):
        return PRODUCTS
    raise NoMethod


def plain_path(path: str) -> str:
    """The path with one slash in front."""
    return f"/{path.lstrip('/')}"
