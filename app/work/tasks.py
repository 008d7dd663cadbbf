"""Which work answers a batch: one for each task, behind the one interface that a worker knows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.model import Task
from app.providers.calling import Caller
from app.work.groups import Deliver, Group, Work


@dataclass(frozen=True, slots=True)
class ByTask:
    """All of them ask through `caller`. What has no work of its own (labels of a grid) is detection."""

    caller: Caller
    detect: Work
    others: Mapping[Task, Work]

    async def answer(self, group: Group, deliver: Deliver) -> None:
        await self._of(group).answer(group, deliver)

    async def answer_each_alone(self, group: Group, deliver: Deliver) -> None:
        await self._of(group).answer_each_alone(group, deliver)

    def _of(self, group: Group) -> Work:
        return self.others.get(group.lane.task, self.detect)
