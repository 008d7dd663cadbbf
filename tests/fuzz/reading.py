"""Bent requests against every dialect's `read`: a call comes out, or a Problem that the vendor's SDK understands; nothing else.

Each dialect stands before its own vendor, before another one, and with clients that it knows by their keys.
"""

from __future__ import annotations

from functools import cache
from random import Random

from app.core.buckets import AllowedBuckets
from app.core.clients import parse_clients
from app.core.model import Feature
from app.errors import Kind, Problem
from app.providers.azure.features import capabilities as capabilities_of_azure
from app.providers.google.features import capabilities as capabilities_of_google
from app.wire.azure import AzureOptions, OwnProvider, azure_dialects
from app.wire.contract import Call, Calls, Dialect, Passthrough
from app.wire.google import GoogleDialect, GoogleOptions
from app.wire.native import NativeDialect
from app.wire.rekognition import RekognitionDialect, RekognitionOptions
from tests.fuzz.engine import Case, require
from tests.fuzz.requests import mutated
from tests.fuzz.seeds import seeds
from tests.fuzz.shapes import check_refusal

REQUEST_ID = "request-1"
HALF = 0.5
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
        return type(read).__name__.lower()

    return case
