"""A plain HTTP client for tests: httpx makes its certificates anew for each call without one, which takes 20 ms of CPU time."""

from __future__ import annotations

import httpx

# Each request has a connection of its own: servers come and go.
WEB = httpx.Client(timeout=60.0, trust_env=False, limits=httpx.Limits(max_connections=None, max_keepalive_connections=0))
