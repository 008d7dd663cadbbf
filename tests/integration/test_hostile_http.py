"""HTTP that no SDK speaks: strange methods, paths, heads and framings. Each gets an HTTP error, and the server lives on."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping
from hashlib import sha256

import pytest

from app.server.heads import MAX_WAITING
from tests.support.http_raw import Reply, connected, exchange, read_reply, request, signed_by, with_image
from tests.support.pictures import check_labels, picture
from tests.support.sdk import HURRIED, Rig, new_key, running_rig

SCENE = picture(800, 600, 3, 8)
GOOD = with_image(SCENE.content)
KIB = 1024


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with running_rig(tmp_path_factory.mktemp("http"), TESSERA_MAX_WAIT_MS="500") as running:
        yield running
        assert running.server.stats()["requests"]["by_outcome"]["own_error"] == 0
        assert not [line for line in running.server.logs() if line["level"] in {"error", "critical"}]


@pytest.fixture(autouse=True)
def _still_answers(rig: Rig) -> Iterator[None]:
    """Whatever a test did, the next client is served."""
    yield
    reply = exchange(rig.server.url, request(GOOD, headers=HURRIED))
    assert reply.status == 200
    check_labels(SCENE, reply.json())


def _is_problem(reply: Reply, status: int) -> None:
    """problem+json, with the HTTP status in it again."""
    assert (reply.status, reply.headers["content-type"]) == (status, "application/problem+json")
    problem = reply.json()
    assert problem["status"] == status
    assert problem["request_id"] == reply.headers["x-request-id"]


@pytest.mark.parametrize("path", ["/", "/v1/detect"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND"])
def test_a_method_that_is_not_served_is_405_and_says_which_is(rig: Rig, path: str, method: str) -> None:
    reply = exchange(rig.server.url, request(b"", method=method, path=path, target=None), method)
    _is_problem(reply, 405)
    assert reply.headers["allow"] == "POST"


def test_head_is_405_without_a_body(rig: Rig) -> None:
    reply = exchange(rig.server.url, request(b"", method="HEAD", target=None), "HEAD")
    assert (reply.status, reply.body) == (405, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "//",
        "/v1",
        "/v1/detect/",
        "/v1/detects",
        "/V1/DETECT",
        "/v1/%64etect%00",
        "/../../etc/passwd",
        "/%00%ff%F0%9F%98%80",
        "/" + "a" * 20_000,
        "*",
    ],
    ids=lambda path: path[:40],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_path_that_is_nobodys_is_404(rig: Rig, method: str, path: str) -> None:
    reply = exchange(rig.server.url, request(b"", method=method, path=path, target=None), method)
    if path == "*":
        assert reply.status in {400, 404}
    else:
        _is_problem(reply, 404)


@pytest.mark.parametrize("path", ["/static-offline-docs/../http.py", "/static-offline-docs/%2e%2e/%2e%2e/etc/passwd"])
def test_the_files_of_the_documentation_page_lead_nowhere_else(rig: Rig, path: str) -> None:
    _is_problem(exchange(rig.server.url, request(b"", method="GET", path=path, target=None), "GET"), 404)


def test_an_aws_client_with_a_wrong_path_is_told_so_in_its_own_language(rig: Rig) -> None:
    reply = exchange(rig.server.url, request(GOOD, path="/aws"))
    assert (reply.status, reply.json()["__type"]) == (400, "UnknownOperationException")
    assert "POST /aws is not served here" in reply.json()["Message"]


@pytest.mark.parametrize(
    "query", ["", "a=1", "%ff=%00", "X-Amz-Credential=%F0%9F%98%80/", "&" * 500, "X-Amz-Credential=" + "a=1&" * 200]
)
def test_a_query_means_nothing_to_an_aws_call(rig: Rig, query: str) -> None:
    reply = exchange(rig.server.url, request(GOOD, path=f"/?{query}", headers=HURRIED))
    assert reply.status == 200


NO_HTTP: Mapping[str, bytes] = {
    "a TLS handshake": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "noise": bytes(range(256)) * 8,
    "an unknown method": request(GOOD, method="DETECT"),
    "no version": b"POST /\r\n\r\n",
    "a negative length": request(GOOD, headers={"Content-Length": "-5"}),
    "a length that is a word": request(GOOD, headers={"Content-Length": "long"}),
    "two lengths": request(GOOD, headers={"content-length": "3"}),
    "length and chunks": b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a control character in a header": request(GOOD, headers={"X-Request-Id": "a\x01b"}),
    "a header without a colon": b"POST / HTTP/1.1\r\nHost tessera\r\n\r\n",
    "a header folded over lines": b"POST / HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
    "a path beyond ASCII": "POST /\xe9\xff HTTP/1.1\r\nHost: a\r\n\r\n".encode("latin-1"),
}


@pytest.mark.parametrize("name", NO_HTTP)
def test_what_is_no_http_is_400_and_the_end_of_the_connection(rig: Rig, name: str) -> None:
    reply = exchange(rig.server.url, NO_HTTP[name])
    assert (reply.status, reply.headers["connection"]) == (400, "close")


@pytest.mark.parametrize(
    "headers",
    [{"X-Long": "a" * 40 * KIB}, {"X-Long": "a" * 200 * KIB}, {f"X-Many-{number}": "a" * 20 for number in range(2000)}],
    ids=["40 KiB", "200 KiB", "2000 headers"],
)
def test_a_head_that_is_too_large_is_431_and_the_end_of_the_connection(rig: Rig, headers: Mapping[str, str]) -> None:
    reply = exchange(rig.server.url, request(GOOD, headers=headers))
    assert (reply.status, reply.headers["connection"]) == (431, "close")


def test_a_head_without_an_end_is_not_collected(rig: Rig) -> None:
    """64 MB of one header: the connection is closed long before; that the client sees it in its own way is all right."""
    with connected(rig.server.url) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nX-Endless: ")
        with pytest.raises(ConnectionError):
            connection.sendall(b"a" * 64 * KIB * KIB)


def test_a_head_of_16_kib_is_accepted(rig: Rig) -> None:
    """A presigned request, cookies, a proxy's traces: all that may be."""
    reply = exchange(rig.server.url, request(GOOD, headers=HURRIED | {"X-Long": "a" * 16 * KIB}))
    assert reply.status == 200


@pytest.mark.parametrize(
    "wait", ["abc", "-1", "+1", "1e999", "0x10", "1_0", " ", "", "\xe9\xff", "9" * 41, "nan", "150ms", "1,5"]
)
def test_a_wait_that_is_no_number_is_an_error_that_names_the_header(rig: Rig, wait: str) -> None:
    reply = exchange(rig.server.url, request(GOOD, headers={"X-Tessera-Max-Wait-Ms": wait}))
    assert (reply.status, reply.json()["__type"]) == (400, "InvalidParameterException")
    assert "X-Tessera-Max-Wait-Ms" in reply.json()["Message"]


@pytest.mark.parametrize("wait", ["1e1", "9" * 40])
def test_a_number_may_be_written_as_programs_write_it_and_never_exceeds_the_servers_own(rig: Rig, wait: str) -> None:
    assert exchange(rig.server.url, request(GOOD, headers={"X-Tessera-Max-Wait-Ms": wait})).status == 200


@pytest.mark.parametrize(
    "given", ["\xe9t\xe9", "\U0001f600".encode().decode("latin-1"), "a b", "<script>", "a" * 500, "${jndi}"]
)
def test_a_request_id_that_is_not_plain_is_replaced(rig: Rig, given: str) -> None:
    reply = exchange(rig.server.url, request(GOOD, headers=HURRIED | {"X-Request-Id": given}))
    assert reply.status == 200
    assert reply.headers["x-request-id"] != given
    assert reply.headers["x-request-id"].isascii()


def test_a_plain_request_id_is_kept(rig: Rig) -> None:
    given = "Root=1-67891233-abcdef012345678912345678"
    reply = exchange(rig.server.url, request(GOOD, headers=HURRIED | {"X-Request-Id": given}))
    assert reply.headers["x-request-id"] == reply.headers["x-amzn-requestid"] == given


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "AWS4-HMAC-SHA256", "Credential=/", "Credential=\xe9\xff/x", "Credential=" + "A" * 500 + "/x"],
)
def test_a_signature_that_is_none_makes_an_anonymous_tenant(rig: Rig, authorization: str) -> None:
    reply = exchange(rig.server.url, request(GOOD, headers=HURRIED | {"Authorization": authorization}))
    assert reply.status == 200


ELSEWHERE = {"Origin": "https://evil.example"}
PREFLIGHT = ELSEWHERE | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}


@pytest.mark.parametrize(
    "path", ["/", "/v1/detect", "/v1/images:annotate", "/computervision/x", "/v1/stats", "/metrics", "/nothing"]
)
def test_no_page_of_another_site_may_ask_us(rig: Rig, path: str) -> None:
    """CORS is off: a preflight is refused plainly, and no answer says that anybody else may read it."""
    for method, headers in (("OPTIONS", PREFLIGHT), ("GET", ELSEWHERE), ("POST", ELSEWHERE)):
        reply = exchange(rig.server.url, request(b"{}", method=method, path=path, target=None, headers=headers), method)
        assert method != "OPTIONS" or reply.status >= 400
        assert [name for name in reply.headers if name.startswith("access-control-")] == []


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/v1/stats", "/metrics", "/dashboard", "/docs", "/openapi.json", "/nothing", "/static-offline-docs/x"],
)
def test_no_answer_says_what_is_running_here(rig: Rig, path: str) -> None:
    reply = exchange(rig.server.url, request(b"", method="GET", path=path, target=None), "GET")
    assert {"server", "via", "x-powered-by"} & reply.headers.keys() == set()
    assert b"Traceback" not in reply.body


@pytest.mark.parametrize("path", ["/docs", "/dashboard"])
def test_a_page_may_do_what_stands_in_it_and_no_more(rig: Rig, path: str) -> None:
    """Its scripts run by their hash; whatever slips into it does not."""
    reply = exchange(rig.server.url, request(b"", method="GET", path=path, target=None), "GET")
    rules = dict(rule.split(" ", 1) for rule in reply.headers["content-security-policy"].split("; "))
    assert rules["default-src"] == rules["frame-ancestors"] == rules["base-uri"] == "'none'"
    assert "unsafe" not in rules["script-src"]
    (script,) = re.findall(rb"<script(?![^>]*src)[^>]*>(.*?)</script>", reply.body, re.DOTALL)
    assert b64encode(sha256(script).digest()).decode() in rules["script-src"]
    assert (reply.headers["x-content-type-options"], reply.headers["x-frame-options"]) == ("nosniff", "DENY")
    assert b" onclick=" not in reply.body


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br"])
def test_a_body_that_is_compressed_is_refused_and_not_unpacked(rig: Rig, encoding: str) -> None:
    reply = exchange(rig.server.url, request(gzip.compress(GOOD), headers=HURRIED | {"Content-Encoding": encoding}))
    assert (reply.status, reply.json()["__type"]) == (400, "SerializationException")
    assert "compressed" in reply.json()["Message"]


@pytest.mark.parametrize("sizes", [[1] * 50, [7, 5000], [100_000]], ids=["bytes", "pieces", "one"])
def test_a_body_in_chunks_is_read_like_any_other(rig: Rig, sizes: list[int]) -> None:
    chunks, at = [], 0
    for size in [*sizes, len(GOOD)]:
        piece = GOOD[at : at + size]
        chunks.append(b"%x;note=1\r\n%s\r\n" % (len(piece), piece) if piece else b"")
        at += size
    reply = exchange(
        rig.server.url, request(b"".join(chunks) + b"0\r\n\r\n", headers=HURRIED | {"Transfer-Encoding": "chunked"})
    )
    assert reply.status == 200
    check_labels(SCENE, reply.json())


def test_chunks_that_are_none_are_400(rig: Rig) -> None:
    reply = exchange(rig.server.url, request(b"ZZ\r\n{}\r\n0\r\n\r\n", headers={"Transfer-Encoding": "chunked"}))
    assert reply.status == 400


def test_a_client_that_asks_first_is_told_to_go_on(rig: Rig) -> None:
    """`Expect: 100-continue`, as curl sends it with large bodies."""
    with connected(rig.server.url) as connection:
        content = request(GOOD, headers=HURRIED | {"Expect": "100-continue"})
        head, _, body = content.partition(b"\r\n\r\n")
        connection.sendall(head + b"\r\n\r\n")
        interim = connection.recv(KIB)
        assert interim.startswith(b"HTTP/1.1 100 ")
        connection.sendall(body)
        assert read_reply(connection).status == 200


def test_requests_in_one_breath_are_answered_in_their_order(rig: Rig) -> None:
    """Pipelined on one connection, the middle one wrong."""
    headers = HURRIED | signed_by(new_key())
    last = request(GOOD, headers=headers | {"Connection": "close"})
    with connected(rig.server.url) as connection:
        connection.sendall(request(GOOD, headers=headers) + request(b"{}", headers=headers) + last)
        told = b"".join(iter(lambda: connection.recv(64 * KIB), b""))
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"200", b"400", b"200"]


def test_http_1_0_is_answered_and_closed(rig: Rig) -> None:
    content = request(GOOD, headers=HURRIED).replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1)
    with connected(rig.server.url) as connection:
        connection.sendall(content)
        assert read_reply(connection).status == 200
        assert connection.recv(1) == b""


OFFERS: Mapping[str, dict[str, str]] = {
    "websocket": {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAA"},
    "as Java's client does": {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "AAMAAABkAAQAAP__"},
}


@pytest.mark.parametrize("offer", OFFERS)
def test_an_upgrade_to_another_protocol_is_not_taken_up(rig: Rig, offer: str) -> None:
    """The request is answered as if it had not been offered, its body read, and the connection serves on."""
    headers = HURRIED | OFFERS[offer]
    assert exchange(rig.server.url, request(b"", method="GET", target=None, headers=headers), "GET").status == 405
    content = request(GOOD, headers=headers)
    head, _, body = content.partition(b"\r\n\r\n")
    with connected(rig.server.url) as connection:
        for pieces in ([content], [head + b"\r\n\r\n", body], [head[:-9], head[-9:] + b"\r\n", b"\r\n" + body], [content]):
            for piece in pieces:
                connection.sendall(piece)
            reply = read_reply(connection)
            assert reply.status == 200
            check_labels(SCENE, reply.json())


@pytest.mark.parametrize("offer", OFFERS)
def test_a_request_in_a_body_is_none(rig: Rig, offer: str) -> None:
    """Also behind an offer of another protocol: or whoever comes next on this connection would get the answer to it."""
    inner = request(b"", method="GET", path="/readyz", target=None)
    head, _, body = request(inner, headers=OFFERS[offer] | {"Expect": "100-continue"}).partition(b"\r\n\r\n")
    with connected(rig.server.url) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(KIB).startswith(b"HTTP/1.1 100 ")  # what follows comes in a packet of its own
        connection.sendall(body)
        assert read_reply(connection).status == 400
        connection.sendall(request(GOOD, headers=HURRIED | {"Connection": "close"}))
        check_labels(SCENE, read_reply(connection).json())
        assert connection.recv(1) == b""


def test_a_tunnel_is_405(rig: Rig) -> None:
    with connected(rig.server.url) as connection:
        connection.sendall(request(request(b""), method="CONNECT", path="tessera:443"))
        assert read_reply(connection).status == 405
        assert connection.recv(1) == b""


BESIDE: Mapping[str, tuple[bytes, bytes]] = {
    "many trailers": (b"0\r\n", b"X-Trailer: a\r\n" * 4096),
    "one trailer without an end": (b"0\r\nX-Trailer: ", b"a" * 65536),
    "a chunk's extension without an end": (b"3;", b"a" * 65536),
}


@pytest.mark.parametrize("name", BESIDE)
def test_trailers_and_extensions_without_an_end_are_not_taken(rig: Rig, name: str) -> None:
    """They would be held in memory for as long as they come: much less than this is taken before the end."""
    begin, more = BESIDE[name]
    with connected(rig.server.url) as connection:
        connection.sendall(request(b"3\r\nabc\r\n" + begin, headers={"Transfer-Encoding": "chunked"}))
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            connection.sendall(more * 1024)


def test_a_trailer_is_no_header(rig: Rig) -> None:
    """An id that comes behind the body is not the request's."""
    body = b"%x\r\n%s\r\n0\r\nX-Request-Id: behind\r\n\r\n" % (len(GOOD), GOOD)
    reply = exchange(rig.server.url, request(body, headers=HURRIED | {"Transfer-Encoding": "chunked"}))
    assert (reply.status, reply.headers["x-request-id"] == "behind") == (200, False)


def test_only_so_many_requests_wait_on_one_connection(rig: Rig) -> None:
    """Those that do are answered in their order; then one too many is told so, and the connection ends."""
    first, health = request(GOOD, headers=HURRIED), request(b"", method="GET", path="/healthz", target=None)
    with connected(rig.server.url) as connection:
        connection.sendall(first[:-1])
        connection.sendall(first[-1:] + health * 10 * MAX_WAITING)
        told = b"".join(iter(lambda: connection.recv(64 * KIB), b""))
    assert re.findall(rb"HTTP/1.1 (\d+) ", told) == [b"200"] * (1 + MAX_WAITING) + [b"429"]
    assert told.index(b"Labels") < told.index(b'"ok"')
