"""A visitor's request as its SDK writes it, what he hides in it, and what is said to whom in the answer.

In: an `Ask`, its pictures. Out: a `RawRequest` and the dialect that reads it; the identities that an answer names, by picture.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from google.cloud.vision_v1.types import image_annotator
from google.protobuf import json_format

from app.core.clients import Clients, parse_clients
from app.core.model import RawRequest
from app.server.desk import Served
from app.wire.azure import AzureOptions, azure_dialects
from app.wire.contract import Dialect, RawReply
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from tests.isolation.plan import NAMES, Ask, Visitor, key_of
from tests.isolation.vendor import is_unsafe
from tests.soak.fronts import Form, Question, Tenant, azure, google_grpc, google_rest, native, rekognition
from tests.soak.pictures import SoakPicture
from tests.support.colours import CAPABILITIES

URL = "http://tessera.test"
IDENTITY = re.compile(r"(?i)id-(\d{4})")
OK = 200
CLIENTS = [Tenant(name, key_of(name), f"AKID{name.upper()}", f"{name}-secret") for name in NAMES]
# The question's word -> its form, by front.
_THINGS, _LABELS, _TEXT, _SAFETY = Question.THINGS, Question.LABELS, Question.TEXT, Question.SAFETY
FORMS: Mapping[tuple[str, str], Form] = {
    ("native", "things"): native("detect", _THINGS),
    ("native", "labels"): native("classify", _LABELS),
    ("native", "text"): native("detect", _TEXT, "?features=text"),
    ("native", "safety"): native("moderate", _SAFETY),
    ("rekognition", "things"): rekognition("DetectLabels", _THINGS),
    ("rekognition", "text"): rekognition("DetectText", _TEXT),
    ("rekognition", "safety"): rekognition("DetectModerationLabels", _SAFETY),
    ("google rest", "things"): google_rest("OBJECT_LOCALIZATION", _THINGS),
    ("google rest", "text"): google_rest("TEXT_DETECTION", _TEXT),
    ("google grpc", "things"): google_grpc("OBJECT_LOCALIZATION", _THINGS),
    ("google grpc", "text"): google_grpc("TEXT_DETECTION", _TEXT),
    ("azure", "things"): azure("/computervision/imageanalysis:analyze?api-version=2023-10-01&features=objects", _THINGS),
    ("azure", "text"): azure("/computervision/imageanalysis:analyze?api-version=2023-10-01&features=read", _TEXT),
}


def dialects(*, named: bool) -> Mapping[str, Dialect]:
    """As `app.assembly` makes them in front of a vendor that speaks Rekognition's language."""
    clients = parse_clients("\n".join(client.toml() for client in CLIENTS)) if named else Clients()
    known = CAPABILITIES
    google = GoogleDialect(GoogleOptions(offered=known.features, behind=known.vendor, clients=clients, classify="detection"))
    return {
        "native": NativeDialect(clients, behind=known.vendor),
        "rekognition": RekognitionDialect(RekognitionOptions(grid_text=True, clients=clients)),
        "google rest": google,
        "google grpc": google,
        "azure": azure_dialects(AzureOptions(True, known.features, None, clients, "detection")).analysis,
    }


def written(ask: Ask, pictures: Sequence[SoakPicture]) -> RawRequest:
    """The request; what its visitor shows besides never takes the place of what he shows by right."""
    request = FORMS[ask.visitor.front, ask.question].write(URL, _shown(ask.visitor), pictures)
    own = {name.lower(): value for name, value in request.headers.items() if value}
    if ask.visitor.front == "rekognition" and not ask.visitor.who:
        del own["authorization"]
    headers = {"host": "tessera.test", **dict(ask.visitor.smuggled), **own}
    if not ask.wants_grid:
        headers["x-tessera-grid"] = "off"
    path, _, query = request.path.partition("?")
    return RawRequest("POST", path, query, headers, request.body)


def _shown(visitor: Visitor) -> Tenant:
    if visitor.is_named:
        return next(client for client in CLIENTS if client.name == visitor.who)
    return Tenant("stranger", visitor.who, visitor.who or "nobody", "any-secret")


def named_in(ask: Ask, served: Served) -> list[frozenset[int] | None]:
    """The identities that the answer names, for each picture of the request; None for one that got an error.

    Every occurrence counts, in whatever field of the answer it stands.
    """
    reply = served.reply
    assert isinstance(reply, RawReply)
    if reply.status != OK:
        assert not IDENTITY.search(reply.body.decode("utf-8", "replace")), "an error that names an identity"
        return [None] * len(ask.identities)
    answers = _answers(ask.visitor.front, reply.body)
    assert len(answers) == len(ask.identities)
    return [None if "error" in answer else _identities(json.dumps(answer)) for answer in answers]


def _answers(front: str, body: bytes) -> list[Any]:
    if front == "google grpc":
        message = image_annotator.BatchAnnotateImagesResponse.pb().FromString(body)
        return [json_format.MessageToDict(one) for one in message.responses]
    answer = json.loads(body)
    return list(answer["responses"]) if front == "google rest" else [answer]


def _identities(text: str) -> frozenset[int]:
    return frozenset(int(number) for number in IDENTITY.findall(text))


def expected(ask: Ask, identity: int) -> frozenset[int]:
    """What an answer about this picture has to name, where it is no error."""
    return frozenset() if ask.question == "safety" and not is_unsafe(identity) else frozenset({identity})
