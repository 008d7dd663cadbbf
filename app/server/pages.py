"""Pages for people: what a browser may do with them is told by a header, from the page itself.

In: a page of ours. Out: its response. Scripts and styles that stand in the page run because their hashes are named; nothing
else does, no other site may show the page in a frame, and nothing on it leads the browser elsewhere. Called by `probes` and
`http`.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

from starlette.responses import HTMLResponse

_SCRIPT = re.compile(rb"<script(?![^>]*\bsrc=)[^>]*>(.*?)</script>", re.DOTALL)
_STYLE = re.compile(rb"<style[^>]*>(.*?)</style>", re.DOTALL)


def page(content: str | bytes) -> HTMLResponse:
    """A page that needs nothing but this server."""
    response = HTMLResponse(content)
    response.headers.update(
        {
            "content-security-policy": policy(bytes(response.body)),
            "referrer-policy": "no-referrer",
            "x-frame-options": "DENY",
            "x-content-type-options": "nosniff",
            "cache-control": "no-store",
        }
    )
    return response


def policy(content: bytes) -> str:
    """The Content-Security-Policy of a page. Attributes may hold styles: they cannot ask anybody for anything."""
    scripts, styles = (_hashes(pattern, content) for pattern in (_SCRIPT, _STYLE))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self'{scripts}",
            f"style-src 'self'{styles}",
            "style-src-attr 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        ]
    )


def _hashes(pattern: re.Pattern[bytes], content: bytes) -> str:
    return "".join(f" 'sha256-{b64encode(hashlib.sha256(text).digest()).decode()}'" for text in pattern.findall(content))
