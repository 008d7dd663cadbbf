"""Clients that are slow, stop, or leave: nobody waits for them, nothing is paid for them, and their cell is somebody else's."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from app.demo.scenes import Scene
from tests.support.cluster import until
from tests.support.http_raw import Reply, connected, exchange, read_reply, request, signed_by, with_image
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, new_key, running_rig, together

LATENCY_MS = 1500  # of the vendor: long enough to leave while a sheet is under way
OWN, PARTNER, THIRD = picture(800, 600, 3, 8), picture(800, 600, 21, 30, 55), picture(760, 600, 70, 71)


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("clients")) as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


@pytest.fixture
def tenant() -> dict[str, str]:
    return signed_by(new_key())


def _pending(rig: Rig) -> int:
    return int(rig.server.stats()["images"]["pending"]["detect"])


def _cancelled(rig: Rig) -> int:
    return int(rig.server.stats()["requests"]["by_outcome"]["cancelled"])


def _ask(rig: Rig, scene: Scene, headers: dict[str, str]) -> Reply:
    return exchange(rig.server.url, request(with_image(scene.content), headers=headers))


def _is_right(scene: Scene, reply: Reply, layout: str) -> None:
    assert (reply.status, reply.headers["x-tessera-grid"]) == (200, layout)
    check_labels(scene, reply.json())


def _wait_in_lane(rig: Rig, scene: Scene, tenant: dict[str, str]) -> socket.socket:
    """A client whose image waits for company; its connection."""
    before = _pending(rig)
    connection = socket.create_connection(rig.address)
    connection.sendall(request(with_image(scene.content), headers=tenant))
    until("its image waits", lambda: _pending(rig) == before + 1)
    return connection


def _reset(connection: socket.socket) -> None:
    """Ends it with a reset, as a crashed client's system does."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def _close(connection: socket.socket) -> None:
    connection.close()


def _half_close(connection: socket.socket) -> None:
    """Says that it will send no more; for HTTP servers that is leaving."""
    connection.shutdown(socket.SHUT_WR)


LEAVING = [_close, _reset, _half_close]


@pytest.mark.parametrize("leave", LEAVING)
def test_who_leaves_while_waiting_frees_the_cell(rig: Rig, tenant: dict[str, str], leave: object) -> None:
    """The next one of the lane finds nobody there: it goes out alone, as its own bytes, and only it is paid for."""
    before, paid, cancelled = rig.calls(), rig.emulator.paid(), _cancelled(rig)
    with _wait_in_lane(rig, OWN, tenant) as connection:
        assert callable(leave)
        leave(connection)
        until("its cell is free", lambda: _pending(rig) == 0)
        until("it is counted", lambda: _cancelled(rig) == cancelled + 1)
        reply = _ask(rig, PARTNER, tenant | HURRIED)
    _is_right(PARTNER, reply, "1x1")
    (call,) = rig.sent(before)
    assert call.content == PARTNER.content
    assert rig.emulator.paid() - paid == 1


def test_those_who_stay_share_the_sheet_without_the_one_who_left(rig: Rig, tenant: dict[str, str]) -> None:
    before = rig.calls()
    _wait_in_lane(rig, OWN, tenant).close()
    until("its cell is free", lambda: _pending(rig) == 0)
    partner, third = together(lambda: _ask(rig, PARTNER, tenant), lambda: _ask(rig, THIRD, tenant))
    _is_right(PARTNER, partner, "2x1")
    _is_right(THIRD, third, "2x1")
    (call,) = rig.sent(before)
    seen = {label["Name"] for label in call.answer["Labels"]}
    assert not seen & {thing.label for thing in OWN.objects}


def test_who_leaves_while_the_sheet_is_under_way_takes_nothing_from_the_partner(rig: Rig, tenant: dict[str, str]) -> None:
    """What has been paid for is delivered to who is still there."""
    cancelled = _cancelled(rig)
    rig.emulator.behave(latency_ms=LATENCY_MS)
    try:
        with ThreadPoolExecutor(1) as pool, _wait_in_lane(rig, OWN, tenant) as connection:
            asked = pool.submit(_ask, rig, PARTNER, tenant)
            until("the sheet is under way", lambda: rig.emulator.counters()["in_flight"] == 1)
            connection.close()
            reply = asked.result()
    finally:
        rig.emulator.behave(latency_ms=0)
    _is_right(PARTNER, reply, "2x1")
    assert reply.headers["x-tessera-inferences"] == "0.5"
    until("it is counted", lambda: _cancelled(rig) == cancelled + 1)


def test_a_crowd_that_leaves_at_once_leaves_nothing_behind(rig: Rig, tenant: dict[str, str]) -> None:
    """One of each of thirty tenants waits alone and leaves; then the server is as empty as before, and not dearer."""
    before = rig.calls()
    with ExitStack() as stack:
        for number in range(30):
            connection = stack.enter_context(socket.create_connection(rig.address))
            scene = picture(640, 480, 800 + number)
            connection.sendall(request(with_image(scene.content), headers=signed_by(new_key())))
        until("all wait", lambda: _pending(rig) == 30)
    until("all cells are free", lambda: _pending(rig) == 0)
    told = together(lambda: _ask(rig, OWN, tenant), lambda: _ask(rig, PARTNER, tenant))
    _is_right(OWN, told[0], "2x1")
    _is_right(PARTNER, told[1], "2x1")
    assert len(rig.sent(before)) == 1


def test_who_stops_in_the_middle_of_a_body_holds_up_nobody(rig: Rig, tenant: dict[str, str]) -> None:
    """Twenty stand there with half a request; a pair of the same tenant shares a sheet meanwhile. Who goes on is answered."""
    content = request(with_image(THIRD.content), headers=tenant | HURRIED)
    half = len(content) // 2
    with ExitStack() as stack:
        slow = [stack.enter_context(connected(rig.server.url)) for _ in range(20)]
        for connection in slow:
            connection.sendall(content[:half])
        told = together(lambda: _ask(rig, OWN, tenant), lambda: _ask(rig, PARTNER, tenant))
        _is_right(OWN, told[0], "2x1")
        _is_right(PARTNER, told[1], "2x1")
        slow[0].sendall(content[half:])
        _is_right(THIRD, read_reply(slow[0]), "1x1")


def test_who_leaves_in_the_middle_of_a_body_was_never_there(rig: Rig, tenant: dict[str, str]) -> None:
    before, cancelled = rig.calls(), _cancelled(rig)
    with connected(rig.server.url) as connection:
        content = request(with_image(OWN.content), headers=tenant)
        connection.sendall(content[: len(content) // 2])
    until("it is counted", lambda: _cancelled(rig) == cancelled + 1)
    assert (_pending(rig), rig.sent(before)) == (0, [])


def test_a_body_that_comes_byte_by_byte_is_read(rig: Rig, tenant: dict[str, str]) -> None:
    """The first and the last bytes one at a time, each in a packet of its own."""
    content = request(with_image(OWN.content), headers=tenant | HURRIED)
    with connected(rig.server.url) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(400):
            connection.sendall(content[at : at + 1])
        connection.sendall(content[400:-200])
        for at in range(len(content) - 200, len(content)):
            connection.sendall(content[at : at + 1])
        _is_right(OWN, read_reply(connection), "1x1")


def test_who_does_not_read_its_answer_holds_up_nobody(rig: Rig, tenant: dict[str, str]) -> None:
    content = request(with_image(OWN.content), headers=tenant | HURRIED)
    with ExitStack() as stack:
        deaf = [stack.enter_context(connected(rig.server.url)) for _ in range(20)]
        for connection in deaf:
            connection.sendall(content)
        told = together(lambda: _ask(rig, THIRD, tenant | HURRIED), lambda: _ask(rig, PARTNER, tenant | HURRIED))
        check_labels(THIRD, told[0].json())
        check_labels(PARTNER, told[1].json())
        for connection in deaf:
            check_labels(OWN, read_reply(connection).json())


def test_connections_that_say_nothing_hold_up_nobody(rig: Rig, tenant: dict[str, str]) -> None:
    with ExitStack() as stack:
        for _ in range(200):
            stack.enter_context(connected(rig.server.url))
        told = together(lambda: _ask(rig, OWN, tenant), lambda: _ask(rig, PARTNER, tenant))
    _is_right(OWN, told[0], "2x1")
    _is_right(PARTNER, told[1], "2x1")
