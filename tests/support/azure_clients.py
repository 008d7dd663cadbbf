"""Microsoft's own clients, pointed at any address: nothing changed but the endpoint and how often they try by themselves.

with running_emulator(vendor="azure") as emulator:
    result = analysis_client(emulator.url).analyze(data, [VisualFeatures.OBJECTS])
"""

from __future__ import annotations

import time
from typing import Any

from azure.ai.vision.imageanalysis import ImageAnalysisClient
from azure.ai.vision.imageanalysis.aio import ImageAnalysisClient as AsyncImageAnalysisClient
from azure.cognitiveservices.vision.computervision import ComputerVisionClient
from azure.cognitiveservices.vision.computervision.models import OperationStatusCodes
from azure.core.credentials import AccessToken, AzureKeyCredential
from msrest.authentication import CognitiveServicesCredentials

KEY = "test-key"
MOST_POLLS = 100
TOKEN_LIFE_S = 3600


class FixedToken:
    """A credential of Microsoft Entra ID that always has the same token."""

    def __init__(self, token: str = KEY) -> None:
        self._token = token

    def get_token(self, *_scopes: str, **_options: Any) -> AccessToken:
        return AccessToken(self._token, int(time.time()) + TOKEN_LIFE_S)


def analysis_client(url: str, key: str = KEY, *, retries: int = 0, **options: Any) -> ImageAnalysisClient:
    """Image Analysis 4.0. Options are the client's own, such as `api_version`."""
    return ImageAnalysisClient(url, AzureKeyCredential(key), retry_total=retries, **options)


def async_analysis_client(url: str, key: str = KEY, *, retries: int = 0) -> AsyncImageAnalysisClient:
    """The same for asyncio; to be closed (`async with`)."""
    return AsyncImageAnalysisClient(url, AzureKeyCredential(key), retry_total=retries)


def vision_client(url: str, key: str = KEY) -> Any:
    """Version 3.2, which has no types. It never tries again by itself."""
    make: Any = ComputerVisionClient
    return make(url, CognitiveServicesCredentials(key))


def what_was_read(client: Any, accepted: Any) -> Any:
    """Ask for a reading until it is done. `accepted` is the raw answer of `read` or `read_in_stream`."""
    reading_id = accepted.headers["Operation-Location"].rpartition("/")[2]
    for _ in range(MOST_POLLS):
        found = client.get_read_result(reading_id)
        if found.status not in (OperationStatusCodes.not_started, OperationStatusCodes.running):
            return found
    raise TimeoutError("the reading never ends")
