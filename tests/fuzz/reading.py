"""Bent requests against every dialect's `read`: a call comes out, or a Problem that the vendor's SDK understands; nothing else.

What has become a call is answered, with findings or with failures, and the SDK must be able to read that, too.

Each dialect stands before its own vendor, before another one, and with clients that it knows by their keys.
"""

from __future__ import annotations

from functools import cache
from random import Random
from typing import cast

from app.core.buckets import AllowedBuckets
from app.core.clients import parse_clients
from app.core.model import Answer, Failure, Feature, Outcome
from app.errors import Kind, Problem
from app.providers.azure.features import capabilities as capabilities_of_azure
from app.providers.google.features import capabilities as capabilities_of_google
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Answered, Call, Calls, Dialect, JoiningDialect, Passthrough
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from tests.fuzz.engine import Case, require
from tests.fuzz.requests import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.shapes import FAILURES, FIRST_ERROR, check_answer, check_refusal
from tests.fuzz.writers import offered, sound
from tests.support.wire import PICTURE

REQUEST_ID = "request-1"
HALF = 0.5
FAILING_SHARE = 0.2
_CLIENTS = """
[shop]
keys = ["key", "k", "test-key"]
aws = {AKIDEXAMPLE = ""}
"""


@cache
def dialects(front: str) -> tuple[Dialect, ...]:
    """The front as it is by default, before another vendor, and before its own, with clients."""
    clients, every = parse_clients(_CLIENTS), AllowedBuckets(("*",))
    match front:
        case "rekognition":
            options = RekognitionOptions(buckets=every, grid_text=True, clients=clients)
            return RekognitionDialect(), RekognitionDialect(RekognitionOptions(before_aws=False)), RekognitionDialect(options)
        case "google" | "google over grpc":
            prices = capabilities_of_google().prices
            own = GoogleOptions(prices=prices, buckets=every, behind="google", clients=clients)
            some = GoogleOptions(offered=frozenset({Feature.OBJECTS, Feature.TEXT}))
            return GoogleDialect(), GoogleDialect(some), GoogleDialect(own)
        case "azure 4.0" | "azure 3.2":
            own_provider = OwnProvider(capabilities_of_azure().prices, HALF)
            options_of_azure = (
                AzureOptions(),
                AzureOptions(offers=frozenset({Feature.OBJECTS})),
                AzureOptions(own=own_provider, clients=clients),
            )
            pairs = [azure_dialects(one) for one in options_of_azure]
            return tuple(pair.analysis if front == "azure 4.0" else pair.vision for pair in pairs)
        case _:
            return NativeDialect(), NativeDialect(behind="azure"), NativeDialect(clients)


def reading(front: str) -> Case:
    """A case of this front."""

    def case(rng: Random) -> str:
        raw = mutated(rng, rng.choice(seeds(front)))
        dialect = rng.choice(dialects(front))
        try:
            read = dialect.read(raw)
        except Problem as problem:
            require(problem.kind is not Kind.INTERNAL, f"refused as a mistake of ours: {problem}")
            check_refusal(front, dialect.refuse(problem, REQUEST_ID))
            return str(problem.kind.value)
        require(isinstance(read, Call | Calls | Passthrough), f"read as {read!r}")
        if isinstance(read, Passthrough):
            return "passthrough"
        return f"{type(read).__name__.lower()}, {_answered(rng, front, dialect, read)}"

    return case


def _answered(rng: Random, front: str, dialect: Dialect, read: Call | Calls) -> str:
    """What the dialect writes to whatever it has read: findings, or the failure of some of the inquiries."""
    calls = (read,) if isinstance(read, Call) else read.calls
    answers = [Answered(PICTURE, tuple(_outcome(rng, inquiry.feature) for inquiry in call.inquiries)) for call in calls]
    if isinstance(read, Call):
        reply = dialect.write(read, PICTURE, answers[0].outcomes, REQUEST_ID)
    else:
        require(isinstance(dialect, JoiningDialect), f"{front} cannot join what it reads")
        rest = None if read.rest is None else Problem(rng.choice(list(Kind)), "the rest failed")
        reply = cast(JoiningDialect, dialect).write_calls(read, answers, rest, REQUEST_ID)
    if reply.status < FIRST_ERROR:
        check_answer(front, read.operation if isinstance(read, Call) else calls[0].operation if calls else "", reply)
        return "answered"
    check_refusal(front, reply, FAILURES)
    return "failed"


def _outcome(rng: Random, feature: Feature) -> Outcome:
    """Of another vendor's findings at times, and no answer at times."""
    if rng.random() < FAILING_SHARE:
        return Outcome("job-1", Failure(rng.choice(list(Kind)), rng.choice(("why", "", "\u0130\n"))))
    vendors = [vendor for vendor, offers in offered() if offers is feature]
    return Outcome("job-1", Answer(sound(rng.choice(vendors), feature) if vendors else ()))
