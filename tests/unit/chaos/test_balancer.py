"""When a request is sent again: as a load balancer and an SDK do it, and never where that would hide a lost answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.core.geometry import Size
from tests.chaos.balancer import MOST_ATTEMPTS, Balancer, Process
from tests.chaos.fronts import Endpoint, Question
from tests.chaos.history import Attempt, Ending, Task
from tests.unit.chaos.fabricated import attempt

QUESTION = Question("r-1", b"", Size(1, 1))


@dataclass
class Scripted:
    """A front whose attempts end as written; it keeps whom it asked."""

    endings: list[Ending]
    name: str = "scripted"
    task: Task = Task.DETECT
    tries_again: bool = False
    asked: list[str] = field(default_factory=list)

    def ask(self, endpoint: Endpoint, question: Question, patience_s: float) -> Attempt:
        self.asked.append(endpoint.name)
        return attempt(process=endpoint.name, ending=self.endings.pop(0), was_killed=endpoint.was_killed)


def balancer(*killed: bool) -> Balancer:
    found = Balancer()
    found.know([Process(f"api-{number}", "", "", was_killed) for number, was_killed in enumerate(killed)])
    return found


def ended(attempts: Sequence[Attempt]) -> list[Ending]:
    return [one.ending for one in attempts]


def test_requests_are_dealt_out_in_turn() -> None:
    deal, front = balancer(False, False), Scripted([Ending.ANSWERED] * 4)
    for _ in range(4):
        deal.ask(front, QUESTION, 1.0)
    assert front.asked == ["api-0", "api-1"] * 2
    assert deal.sent() == {"api-0": 2, "api-1": 2}


def test_a_refused_connection_goes_to_another_process_and_counts_nowhere() -> None:
    deal, front = balancer(True, False), Scripted([Ending.REFUSED, Ending.ANSWERED])
    assert ended(deal.ask(front, QUESTION, 1.0)) == [Ending.ANSWERED]
    assert deal.sent() == {"api-1": 1}


def test_a_connection_lost_to_a_kill_is_sent_again_and_told() -> None:
    deal, front = balancer(True, False), Scripted([Ending.BROKEN, Ending.ANSWERED])
    assert ended(deal.ask(front, QUESTION, 1.0)) == [Ending.BROKEN, Ending.ANSWERED]
    assert deal.sent() == {"api-0": 1, "api-1": 1}


def test_a_connection_lost_without_a_kill_stays_lost() -> None:
    front = Scripted([Ending.BROKEN, Ending.ANSWERED])
    assert ended(balancer(False, False).ask(front, QUESTION, 1.0)) == [Ending.BROKEN]


def test_where_nobody_listens_the_request_is_lost() -> None:
    front = Scripted([Ending.REFUSED] * MOST_ATTEMPTS)
    assert ended(balancer(True, True).ask(front, QUESTION, 1.0)) == [Ending.REFUSED]
