"""Connections to Google; how calls fare on them is told in the contract suite."""

from __future__ import annotations

import asyncio

import pytest
from google.cloud.vision_v1.types import image_annotator

from app.errors import Kind, Problem
from app.providers.google.channels import Channels, Target


async def test_what_is_closed_opens_nothing_more() -> None:
    channels = Channels(Target("127.0.0.1:1", is_encrypted=False, is_near=True), max_connections=1, connect_timeout_s=1.0)
    await channels.aclose()
    with pytest.raises(Problem) as raised:
        await channels.annotate(
            image_annotator.BatchAnnotateImagesRequest(), {}, deadline_s=asyncio.get_running_loop().time() + 1.0
        )
    assert raised.value.kind is Kind.SHUTTING_DOWN
