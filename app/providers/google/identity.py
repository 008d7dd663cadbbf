"""Who pays at Google: the operator's API key, or what Google's own chain finds (Application Default Credentials).

In: the operator's choice. Out: headers, the same for REST and (as metadata) for gRPC. Called by `provider`, off the event
loop: finding and refreshing credentials reads files and asks servers. Safe from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import google.auth
import google.auth.transport.requests
from google.auth.exceptions import DefaultCredentialsError

from app.errors import Kind, Problem

_SCOPES = ("https://www.googleapis.com/auth/cloud-vision",)
_KEY_HEADER = "x-goog-api-key"


class Identity:
    """The operator's credentials. Nothing is looked up before the first use, and nothing that failed is remembered."""

    def __init__(self, *, api_key: str | None, is_anonymous: bool) -> None:
        """`is_anonymous`: without a key nobody is asked for credentials (an emulator takes whoever comes)."""
        self._api_key = api_key
        self._is_anonymous = is_anonymous
        self._lock = threading.Lock()
        self._credentials: Any = None  # google-auth has no types

    def headers(self) -> Mapping[str, str]:
        """What says who we are, names in lower case. Secret: never log it.

        Raises Problem: INTERNAL (nothing configured), PROVIDER_UNAVAILABLE (the servers that give out tokens do not).
        """
        if self._api_key is not None:
            return {_KEY_HEADER: self._api_key}
        if self._is_anonymous:
            return {}
        return self._token_headers()

    def _token_headers(self) -> Mapping[str, str]:
        told: dict[str, str] = {}
        try:
            with self._lock:
                credentials = self._found()
                if not credentials.valid:
                    credentials.refresh(google.auth.transport.requests.Request())
                credentials.apply(told)
        except Problem:
            raise
        except Exception as error:  # a metadata server or a token server that fails now may answer again in a moment
            raise Problem(Kind.PROVIDER_UNAVAILABLE, "Google credentials could not be refreshed") from error
        project = getattr(credentials, "quota_project_id", None)
        quota = {"x-goog-user-project": project} if project else {}
        return {name.lower(): value for name, value in {**told, **quota}.items()}

    def _found(self) -> Any:
        if self._credentials is None:
            try:
                self._credentials, _ = google.auth.default(scopes=_SCOPES)
            except DefaultCredentialsError as error:
                raise Problem(
                    Kind.INTERNAL, "No Google credentials found: set TESSERA_GOOGLE_API_KEY or GOOGLE_APPLICATION_CREDENTIALS"
                ) from error
        return self._credentials
