"""Where requests go and how they are signed: region, endpoint, credentials, SigV4. botocore's one home in this package.

Comes in: headers and a body. Goes out: the full URL and all headers that the signature covers. Called by `provider`.
Everything here blocks (files, metadata servers, hashing megabytes): call it off the event loop. Safe from several threads.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

import botocore.session
from botocore import UNSIGNED
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from app.errors import Kind, Problem
from app.providers.aws import FixedCredentials, open_session
from app.providers.rekognition.operations import VENDOR
from app.providers.transport import Outgoing


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the provider is. `ca_bundle`: the operator's own certificate authorities for AWS, a file or a folder."""

    url: str
    region: str
    ca_bundle: str | None


class Signer:
    """Signs requests for one endpoint with the operator's credentials.

    The endpoint is the given one, else what AWS_ENDPOINT_URL_REKOGNITION, AWS_ENDPOINT_URL or the AWS config file say, else
    AWS's own for the region. Nothing is looked up before the first use, and nothing that failed is remembered.
    """

    def __init__(self, *, upstream_url: str | None, region: str | None, credentials: FixedCredentials | None) -> None:
        self._upstream_url = upstream_url
        self._region = region
        self._fixed = credentials
        self._lock = threading.Lock()
        self._session: botocore.session.Session | None = None
        self._endpoint: Endpoint | None = None
        self._credentials: Credentials | None = None

    def endpoint(self) -> Endpoint:
        """The endpoint, found once. Raises Problem(INTERNAL) when the operator's settings leave it open."""
        with self._lock:
            if self._endpoint is None:
                try:
                    self._endpoint = self._find_endpoint()
                except Exception as error:  # parsers and plug-ins of AWS's chain: any failure means "not configured"
                    raise Problem(Kind.INTERNAL, f"No address for Amazon Rekognition: {error}") from error
            return self._endpoint

    def sign(self, headers: Mapping[str, str], body: bytes) -> Outgoing:
        """A signed POST of `body` to the endpoint, good for a few minutes. Credentials about to expire are refreshed here."""
        endpoint = self.endpoint()
        request = AWSRequest(method="POST", url=endpoint.url, data=body, headers=dict(headers))
        try:
            frozen = self._found_credentials().get_frozen_credentials()
            SigV4Auth(frozen, VENDOR, endpoint.region).add_auth(request)
        except Problem:
            raise
        except Exception as error:  # a metadata server or a subprocess that fails now may answer again in a moment
            raise Problem(Kind.PROVIDER_UNAVAILABLE, "AWS credentials could not be refreshed") from error
        return Outgoing(endpoint.url, {name.lower(): value for name, value in request.headers.items()}, body)

    def _opened_session(self) -> botocore.session.Session:
        if self._session is None:
            self._session = open_session(self._fixed, self._region)
        return self._session

    def _find_endpoint(self) -> Endpoint:
        session = self._opened_session()
        # A client that is only asked where it would go: botocore then applies its own rules (environment, config file,
        # partitions, FIPS), and none of them is repeated here. Unsigned, so that it does not look for credentials yet.
        client = session.create_client(VENDOR, endpoint_url=self._upstream_url, config=Config(signature_version=UNSIGNED))
        try:
            return Endpoint(client.meta.endpoint_url, client.meta.region_name, session.get_config_variable("ca_bundle"))
        finally:
            client.close()

    def _found_credentials(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                found = self._opened_session().get_credentials()
                if found is None:
                    raise Problem(
                        Kind.INTERNAL, "No AWS credentials found in the environment, the AWS files or the instance's role"
                    )
                self._credentials = found
            return self._credentials
