"""The native endpoint: an image in, JSON out, no vendor's language.

dialect     read, write, refuse: the way of a request
operations  POST /v1/detect, /v1/classify, /v1/moderate: what each can be asked for, and who writes its answer
request     query and body -> what is asked about which image
multipart   multipart/form-data -> the bytes of its field `image`
envelope    what every answer says beside its findings
reply       findings -> /v1/detect: the models of an answer (FastAPI publishes them), and how outcomes become one
labels      findings -> /v1/classify
moderation  findings -> /v1/moderate
vendor      the little that is taken out of a vendor's own item
refusals    errors.Kind -> problem+json (RFC 9457)
openapi     what the published description says beyond the models
"""

from app.wire.native.dialect import NativeDialect
from app.wire.native.openapi import DESCRIPTIONS, EXAMPLES, PROBLEM_EXAMPLES
from app.wire.native.operations import OPERATIONS, Operation
from app.wire.native.refusals import ProblemReply

__all__ = ["DESCRIPTIONS", "EXAMPLES", "OPERATIONS", "PROBLEM_EXAMPLES", "NativeDialect", "Operation", "ProblemReply"]
