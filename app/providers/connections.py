"""How connections to a provider are made: certificates, proxy, keep-alive. Called by `transport`, off the event loop."""

from __future__ import annotations

import ipaddress
import os
import ssl
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.parse import urlsplit

import httpx

# Below the 60 s after which load balancers hang up on an idle connection without a word; one that was hung up on earlier is
# noticed before it is used again.
KEEPALIVE_EXPIRY_S = 15.0
DEFAULT_MAX_CONNECTIONS = 128  # more than any sensible number of sheets in flight: waiting is `calling`'s business, not ours
DEFAULT_CONNECT_TIMEOUT_S = 3.0  # a TCP and TLS handshake across an ocean takes half a second; lost packets may double it


@dataclass(frozen=True, slots=True)
class Address:
    """Where a provider is. `ca_bundle`: the operator's own certificate authorities for it, a file or a folder."""

    url: str
    ca_bundle: str | None = None


def new_client(address: Address, certificates: ssl.SSLContext, *, max_connections: int) -> httpx.AsyncClient:
    """A client for one address only. Raises whatever httpx thinks of the proxy that the environment names."""
    limits = httpx.Limits(
        max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=KEEPALIVE_EXPIRY_S
    )
    return httpx.AsyncClient(
        verify=certificates,
        limits=limits,
        http2=False,  # one sheet per connection: an upload of megabytes must not hold up its neighbours' answers
        follow_redirects=False,  # a signature or a key is for one host
        # HTTPS_PROXY as with the SDKs; an emulator next door needs no proxy.
        trust_env=not is_loopback(urlsplit(address.url).hostname or ""),
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),  # requests of different clients share nothing
        headers={"user-agent": "tessera"},
    )


def read_certificates(address: Address) -> ssl.SSLContext:
    """The certificate authorities to trust. Reads files: slow, and raises OSError for what is none."""
    if address.ca_bundle is None:
        return httpx.create_ssl_context()
    if os.path.isdir(address.ca_bundle):
        return ssl.create_default_context(capath=address.ca_bundle)
    return ssl.create_default_context(cafile=address.ca_bundle)


def is_loopback(host: str) -> bool:
    """Whether a host's name or address stands for this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
