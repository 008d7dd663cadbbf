"""Google's and Microsoft's clients that lose patience and ask again: they get the first try's answer, which is paid once.

The vendor stalls with the first call that it gets, and with no other: a second one would be answered at once, and paid.
"""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from azure.ai.vision.imageanalysis.models import VisualFeatures
from google.api_core.exceptions import DeadlineExceeded
from google.api_core.retry import Retry, if_exception_type
from google.api_core.timeout import ConstantTimeout
from google.cloud import vision
from msrest.exceptions import ClientRequestError
from requests.exceptions import Timeout

from tests.support.azure_clients import analysis_client, vision_client
from tests.support.cluster import until
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.google_clients import asked, grpc_client, rest_client
from tests.support.load import IdentityImage, identity_images
from tests.support.sdk import new_key
from tests.support.server import RunningServer, running_server

# The vendor's time for its first call, and what an impatient client waits for each of its tries, seconds.
STALL_S, READ_S = 0.8, 0.3
PATIENT_S = 20.0
TRIES = 20
PAUSE_S = 0.05
KEY = "operators-key"
Annotate = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Rig:
    server: RunningServer
    emulator: RunningEmulator

    def joined(self) -> Mapping[str, int]:
        found: Mapping[str, int] = self.server.stats()["joined"]
        return found

    def paid(self) -> int:
        """By all calls, those included that nobody waits for any more."""
        until("the vendor has nothing to do", lambda: self.emulator.counters()["in_flight"] == 0)
        return self.emulator.paid()


def rig_of(stack: ExitStack, log_file: Any, vendor: Any, *options: str, **settings: str) -> Rig:
    emulator = stack.enter_context(running_emulator("--no-classical", *options, vendor=vendor))
    own = {"TESSERA_PROVIDER": vendor, "TESSERA_UPSTREAM_URL": emulator.url, "TESSERA_MAX_WAIT_MS": "50", **settings}
    if emulator.grpc:
        own["TESSERA_UPSTREAM_GRPC"] = emulator.grpc
    return Rig(stack.enter_context(running_server(log_file, **own)), emulator)


@pytest.fixture(scope="module")
def google_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with ExitStack() as stack:
        yield rig_of(stack, tmp_path_factory.mktemp("google") / "log", "google")


@pytest.fixture(scope="module")
def azure_rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with ExitStack() as stack:
        log_file = tmp_path_factory.mktemp("azure") / "log"
        yield rig_of(stack, log_file, "azure", "--secret", KEY, TESSERA_AZURE_KEY=KEY)


def stalling(rig: Rig) -> Rig:
    """Its vendor has been paid for nothing, and stalls with the next call."""
    rig.emulator.reset()
    rig.emulator.add_fault("stall", times=1, seconds=STALL_S)
    return rig


@pytest.fixture
def google(google_rig: Rig) -> Rig:
    return stalling(google_rig)


@pytest.fixture
def azure(azure_rig: Rig) -> Rig:
    return stalling(azure_rig)


@pytest.fixture(params=("rest", "grpc"))
def annotate(request: pytest.FixtureRequest, google: Rig) -> Iterator[Annotate]:
    """`batch_annotate_images` over either transport."""
    with ExitStack() as stack:
        if request.param == "rest":
            client = stack.enter_context(rest_client(google.server.url, new_key()))
        else:
            client = stack.enter_context(grpc_client(google.server.grpc))
        yield client.batch_annotate_images


def one_image(number: int) -> IdentityImage:
    return identity_images([number])[0]


def names(answer: vision.BatchAnnotateImagesResponse) -> set[str]:
    assert not answer.responses[0].error.code
    return {found.name for found in answer.responses[0].localized_object_annotations}


def question(image: IdentityImage) -> list[Any]:
    return asked((image.content, ["OBJECT_LOCALIZATION"]))


# Over gRPC the client tries again by itself when a try's deadline has passed; over REST a read time-out is an error of
# `requests`, which its own policy does not know: so it is named here, with the class that Google gives for that.
AGAIN = Retry(initial=PAUSE_S, maximum=PAUSE_S, timeout=PATIENT_S, predicate=if_exception_type(DeadlineExceeded, Timeout))
EACH_TRY = ConstantTimeout(READ_S)  # type: ignore[no-untyped-call]  # api_core has no types for it


# Numbers of images: none is used by two tests.
FRESH = itertools.count(1)


def test_googles_retry_joins_the_try_under_way(google: Rig, annotate: Annotate) -> None:
    """It sends no id of its call: the question is known by what it asks."""
    image, before = one_image(next(FRESH)), google.joined()
    answer = annotate(requests=question(image), retry=AGAIN, timeout=EACH_TRY)
    assert image.truth.label in names(answer)
    assert google.paid() == 1
    assert sum(google.joined().values()) > sum(before.values())


def test_googles_own_policy_tries_again_over_grpc(google: Rig) -> None:
    """Nothing is said but how long a try may take."""
    image = one_image(next(FRESH))
    with grpc_client(google.server.grpc) as client:
        answer = client.batch_annotate_images(requests=question(image), timeout=EACH_TRY)
    assert image.truth.label in names(answer)
    assert google.paid() == 1


def test_what_googles_client_has_left_is_kept_for_its_next_call(google: Rig, annotate: Annotate) -> None:
    image, before = one_image(next(FRESH)), google.joined()
    with pytest.raises((DeadlineExceeded, Timeout)):
        annotate(requests=question(image), retry=None, timeout=READ_S)
    until("the vendor is asked", lambda: google.emulator.counters()["totals"]["requests"] == 1)
    assert google.paid() == 1
    assert image.truth.label in names(annotate(requests=question(image), retry=None, timeout=PATIENT_S))
    assert google.paid() == 1
    assert google.joined()["retry"] == before["retry"] + 1


def analyzed(rig: Rig, image: IdentityImage, feature: VisualFeatures) -> Any:
    """By a client that tries again. Azure's policy does so by itself after 500, 503 and 504; that a POST that was sent may be
    sent again after a time-out has to be said, with the policy's own `retry_on_methods`.
    """
    with analysis_client(
        rig.server.url, new_key(), retries=TRIES, read_timeout=READ_S, retry_backoff_factor=PAUSE_S, retry_backoff_max=PAUSE_S
    ) as client:
        return client.analyze(image.content, [feature], retry_on_methods=["POST"])


def test_azures_retry_joins_the_try_under_way(azure: Rig) -> None:
    """All tries carry one x-ms-client-request-id."""
    image, before = one_image(next(FRESH)), azure.joined()
    found = analyzed(azure, image, VisualFeatures.OBJECTS)
    assert image.truth.label in {tag.name for one in found.objects.list for tag in one.tags}
    assert azure.paid() == 1
    assert sum(azure.joined().values()) > sum(before.values())


def test_azures_retry_of_what_is_handed_on_gets_the_first_reply(azure: Rig) -> None:
    """Captions are not gridded: the request goes to the vendor as it is, and once."""
    image, before = one_image(next(FRESH)), azure.joined()
    assert analyzed(azure, image, VisualFeatures.CAPTION).caption is not None
    assert azure.paid() == 1
    assert azure.joined()["retry"] > before["retry"]


def test_a_caller_of_azures_old_client_who_asks_again_is_paid_once(azure: Rig) -> None:
    """It sends an image as a stream, which it cannot send twice, so it never tries again; and no id. Its caller does."""
    image, key = one_image(next(FRESH)), new_key()
    tries = 0
    found = None
    with closing(vision_client(azure.server.url, key)) as client:
        client.config.connection.timeout = READ_S
        while found is None and tries < TRIES:
            tries += 1
            with suppress(ClientRequestError):
                found = client.detect_objects_in_stream(io.BytesIO(image.content))
    assert found is not None
    assert tries > 1
    assert image.truth.label in {one.object_property for one in found.objects}
    assert azure.paid() == 1
