"""The Google Cloud Vision endpoint: images:annotate over REST and BatchAnnotateImages over gRPC, one dialect for both.

Facts: the google-cloud-vision package's own message types and clients, and Google's API pages.

dialect   read, write, refuse: the way of a request
paths     what a path asks for: a gRPC method, images:annotate, or something to be passed through
query     the query of a call: how the answer is to be written
masks     partial responses: which members of the answer are wanted
callers   an API key or a token -> whose request it is
request   JSON or protobuf bytes -> images asked about
asking    images asked about -> calls, and what cannot share a sheet
messages  the vendor's message types: bytes <-> values
joining   answers and the rest -> one BatchAnnotateImagesResponse
answers   findings -> the fields of one AnnotateImageResponse
labels    labels of a whole image -> labelAnnotations
moderation  unsafe content -> safeSearchAnnotation
text      words -> textAnnotations and fullTextAnnotation
geometry  typed leaves -> vertices and positions
refusals  errors.Kind -> google.rpc.Status
statuses  google.rpc.Status itself
"""

from app.wire.google.dialect import GoogleDialect, GoogleOptions
from app.wire.google.paths import GRPC_METHOD, GRPC_SERVICE, NoMethod, is_rest_path
from app.wire.google.refusals import packed_status

__all__ = ["GRPC_METHOD", "GRPC_SERVICE", "GoogleDialect", "GoogleOptions", "NoMethod", "is_rest_path", "packed_status"]
