"""The native endpoint, `POST /v1/detect`: an image in, JSON out, no vendor's language.

dialect    read, write, refuse: the way of a request
request    query and body -> what is asked about which image
multipart  multipart/form-data -> the bytes of its field `image`
reply      the models of an answer (FastAPI publishes them), and how outcomes become one
refusals   errors.Kind -> problem+json (RFC 9457)
openapi    what the published description says beyond the models
"""

from app.wire.native.dialect import NativeDialect
from app.wire.native.openapi import DETECT_EXAMPLE, OPENAPI_OPERATION, PROBLEM_EXAMPLES
from app.wire.native.refusals import ProblemReply
from app.wire.native.reply import DetectReply

__all__ = ["DETECT_EXAMPLE", "OPENAPI_OPERATION", "PROBLEM_EXAMPLES", "DetectReply", "NativeDialect", "ProblemReply"]
