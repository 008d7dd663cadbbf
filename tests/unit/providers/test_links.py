"""Images by address: only from hosts that the operator named, only from public addresses, never too much of them."""

from __future__ import annotations

import ipaddress
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from app.errors import Kind, Problem
from app.providers.fetching import Fetcher
from app.providers.links import AllowedHosts, CheckedNetwork, Links, checked_url, is_public, redirected, resolved
from tests.support.web import Page, Site, web

IMAGE = b"\xff\xd8 image"
MOST_BYTES = 1000
TIME_S = 5.0
PAGES = {
    "/a.jpg": Page(IMAGE),
    "/a%20b.jpg?size=1": Page(IMAGE),
    "/once": Page(status=302, headers={"location": "/a.jpg"}),
    "/twice": Page(status=307, headers={"location": "http://127.0.0.1:{port}/once"}),
    "/thrice": Page(status=301, headers={"location": "/twice"}),
    "/four": Page(status=308, headers={"location": "/thrice"}),
    "/nowhere": Page(status=302),
    "/inside": Page(status=302, headers={"location": "http://localhost:{port}/a.jpg"}),
    "/metadata": Page(status=302, headers={"location": "http://169.254.169.254/latest"}),
    "/file": Page(status=302, headers={"location": "file:///etc/passwd"}),
    "/large": Page(b"x" * (MOST_BYTES + 1)),
    "/large-chunked": Page(b"x" * (MOST_BYTES + 1), chunked=True),
    "/chunked": Page(IMAGE, chunked=True),
    "/cut": Page(IMAGE, cut=True),
    "/gzip": Page(IMAGE, headers={"content-encoding": "gzip"}),
    "/busy": Page(status=503),
    "/slow": Page(stalls=True),
}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with web(PAGES) as running:
        yield running


@asynccontextmanager
async def links(site: Site, *, loopback: bool = True, hosts: tuple[str, ...] = ()) -> AsyncIterator[Links]:
    reader = Links(AllowedHosts((f"127.0.0.1:{site.port}", *hosts), loopback=loopback))
    try:
        yield reader
    finally:
        await reader.aclose()


async def read(site: Site, url: str, timeout_s: float = TIME_S) -> bytes:
    async with links(site) as reader:
        return await reader.read(url, max_bytes=MOST_BYTES, timeout_s=timeout_s)


async def refusal(site: Site, url: str, timeout_s: float = TIME_S) -> Kind:
    with pytest.raises(Problem) as caught:
        await read(site, url, timeout_s)
    return caught.value.kind


@pytest.mark.parametrize("path", ["/a.jpg", "/a b.jpg?size=1", "/chunked", "/once", "/twice", "/thrice", "/a.jpg#part"])
async def test_what_is_allowed_is_fetched(site: Site, path: str) -> None:
    """Up to three redirects, each of them looked at."""
    url = site.url(path.replace(" ", "%20"))
    assert await read(site, url) == IMAGE


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/four", Kind.OBJECT_UNAVAILABLE),
        ("/nowhere", Kind.OBJECT_UNAVAILABLE),
        ("/missing", Kind.OBJECT_UNAVAILABLE),
        ("/gzip", Kind.OBJECT_UNAVAILABLE),
        ("/large", Kind.IMAGE_TOO_LARGE),
        ("/large-chunked", Kind.IMAGE_TOO_LARGE),
        ("/cut", Kind.PROVIDER_UNAVAILABLE),
        ("/busy", Kind.PROVIDER_UNAVAILABLE),
        ("/inside", Kind.FORBIDDEN),
        ("/metadata", Kind.FORBIDDEN),
        ("/file", Kind.FORBIDDEN),
    ],
)
async def test_what_cannot_be_had_says_why(site: Site, path: str, kind: Kind) -> None:
    assert await refusal(site, site.url(path)) is kind


async def test_a_server_that_says_nothing_costs_its_time_and_no_more(site: Site) -> None:
    assert await refusal(site, site.url("/slow"), timeout_s=0.2) is Kind.PROVIDER_UNAVAILABLE


async def test_without_the_test_option_this_machine_is_out_of_reach(site: Site) -> None:
    """Whatever the operator's list says: by number or by name, nothing is even asked."""
    before = list(site.asked)
    async with links(site, loopback=False, hosts=("*:*", "*")) as reader:
        for host in ("127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"):
            with pytest.raises(Problem) as caught:
                await reader.read(site.url("/a.jpg", host), max_bytes=MOST_BYTES, timeout_s=TIME_S)
            assert caught.value.kind in {Kind.FORBIDDEN, Kind.OBJECT_UNAVAILABLE}, host
    assert site.asked == before


async def test_all_addresses_of_a_name_must_be_allowed_and_any_of_them_will_do(site: Site) -> None:
    """The connection goes to an address that was checked: the name is not looked up a second time."""
    network = CheckedNetwork(AllowedHosts(loopback=True), resolve=lambda host, port: addresses("::1", "127.0.0.2", "127.0.0.1"))
    stream = await network.connect_tcp("photos.example", site.port, timeout=TIME_S)
    await stream.aclose()
    network = CheckedNetwork(AllowedHosts(loopback=True), resolve=lambda host, port: addresses("127.0.0.1", "10.0.0.1"))
    with pytest.raises(Problem) as caught:
        await network.connect_tcp("photos.example", site.port, timeout=TIME_S)
    assert caught.value.kind is Kind.FORBIDDEN


async def test_a_name_that_changes_its_mind_leads_where_it_was_checked(site: Site) -> None:
    """DNS rebinding: each connection asks once, and goes to what it was told then; the second one finds the trap."""
    told = iter(["127.0.0.1", "169.254.169.254"])

    async def rebinding(host: str, port: int) -> list[str]:
        assert host == "photos.example"
        return [next(told)]

    reader = Links(AllowedHosts((f"photos.example:{site.port}",), loopback=True), resolve=rebinding)
    url = site.url("/cut-off", "photos.example")
    assert await reader.read(site.url("/a.jpg", "photos.example"), max_bytes=MOST_BYTES, timeout_s=TIME_S) == IMAGE
    await reader.aclose()
    reader = Links(AllowedHosts((f"photos.example:{site.port}",), loopback=True), resolve=rebinding)
    with pytest.raises(Problem) as caught:
        await reader.read(url, max_bytes=MOST_BYTES, timeout_s=TIME_S)
    await reader.aclose()
    assert caught.value.kind is Kind.FORBIDDEN
    assert list(told) == []
    assert "/cut-off" not in site.asked


@pytest.mark.parametrize("to", ["http://a.example/x", "HTTP://a.example/x", "ftp://a.example/x"])
async def test_from_tls_no_redirect_leads_to_where_there_is_none(to: str) -> None:
    """Whoever can listen there could change the image."""
    with pytest.raises(Problem) as caught:
        redirected("https://a.example/", to)
    assert caught.value.kind is Kind.OBJECT_UNAVAILABLE
    assert redirected("https://a.example/a", "b") == "https://a.example/b"
    assert redirected("http://a.example/a", "https://a.example/b") == "https://a.example/b"


async def test_no_proxy_of_the_environments_comes_between(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It would look names up by itself, after us."""
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await read(site, site.url("/a.jpg")) == IMAGE


async def addresses(*known: str) -> list[str]:
    return list(known)


async def test_a_name_that_nobody_knows_is_unavailable() -> None:
    with pytest.raises(Problem) as caught:
        await resolved("nowhere.invalid.", 80)
    assert caught.value.kind is Kind.OBJECT_UNAVAILABLE


async def test_an_address_that_no_client_can_ask_for_is_unavailable() -> None:
    fetcher = Fetcher()
    with pytest.raises(Problem) as caught:
        await fetcher.get("gopher://127.0.0.1/", {}, MOST_BYTES)
    await fetcher.aclose()
    assert caught.value.kind is Kind.OBJECT_UNAVAILABLE


async def test_nobody_there_is_not_now() -> None:
    with web({}) as gone:
        pass
    assert await refusal(gone, gone.url("/a.jpg")) is Kind.PROVIDER_UNAVAILABLE


async def test_without_storage_no_bucket_is_read(site: Site) -> None:
    assert await refusal(site, "gs://photos/a.jpg") is Kind.FORBIDDEN


@pytest.mark.parametrize("url", ["gs://photos/", "GS://photos", "gs://"])
async def test_a_bucket_alone_is_no_image(site: Site, url: str) -> None:
    assert await refusal(site, url) is Kind.OBJECT_UNAVAILABLE


@pytest.mark.parametrize(
    ("url", "checked"),
    [
        ("http://a.example/x", "http://a.example:80/x"),
        ("https://A.Example", "https://a.example:443/"),
        ("https://a.example./ä?b=ü", "https://a.example:443/%C3%A4?b=%C3%BC"),
        ("http://b.example:8080/%41", "http://b.example:8080/%41"),
        ("https://x.photos.example/", "https://x.photos.example:443/"),
    ],
)
def test_addresses_are_plain_once_checked(url: str, checked: str) -> None:
    assert checked_url(url, AllowedHosts(("a.example", "b.example:8080", "*.photos.example"))) == checked


@pytest.mark.parametrize(
    "url",
    [
        "http://b.example/",
        "http://a.example:8080/",
        "http://a.example@b.example/",
        "http://user:password@a.example/",
        "http://a.example.evil.example/",
        "http://xa.example/",
        "ftp://a.example/",
        "file:///etc/passwd",
        "//a.example/x",
        "a.example",
        "",
        "http://ä.example/",
    ],
)
def test_other_addresses_are_not_allowed(url: str) -> None:
    with pytest.raises(Problem) as caught:
        checked_url(url, AllowedHosts(("a.example",)))
    assert caught.value.kind is Kind.FORBIDDEN


@pytest.mark.parametrize(
    "url",
    [
        "http://a.example/\r\nX: y",
        "http://a.example\\@b.example/",
        "http://a.example:99999/",
        "http://[a/",
        "http://" + "a" * 3000,
    ],
)
def test_what_is_no_address_is_not_looked_up(url: str) -> None:
    with pytest.raises(Problem) as caught:
        checked_url(url, AllowedHosts(("*",)))
    assert caught.value.kind is Kind.OBJECT_UNAVAILABLE


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:4700::6810:85e5", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.0.1", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("239.255.255.250", False),
        ("255.255.255.255", False),
        ("192.0.2.1", False),
        ("::1", False),
        ("::", False),
        ("fe80::1", False),
        ("fd00::1", False),
        ("ff02::1", False),
        ("::ffff:10.0.0.1", False),
        ("::ffff:93.184.216.34", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::5db8:d822", True),
        ("2001:0:7f00:1::", False),
        ("::7f00:1", False),
        ("::ffff:0:7f00:1", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("64:ff9b:1::7f00:1", False),
        ("2002:a9fe:a9fe::", False),
        ("fd00:ec2::254", False),
        ("fec0::1", False),
        ("3fff::1", False),
        ("100.100.100.200", False),
        ("192.0.0.192", False),
        ("168.63.129.16", False),
        ("::ffff:168.63.129.16", False),
        ("192.88.99.1", False),
        ("198.18.0.1", False),
    ],
)
def test_only_the_open_internet_is_public(address: str, public: bool) -> None:
    assert is_public(ipaddress.ip_address(address)) == public
