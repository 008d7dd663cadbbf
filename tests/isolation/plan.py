"""What hypothesis thinks up: who sends what when, what the vendor does to whom, and what befalls the workers.

Out: `Plan`, plain values. Whose a request is (`Visitor.principal`) is said here, from what the documents promise, and never
asked of the code that is tested: a named client is one wherever it asks, a stranger is what he shows at one front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

from tests.isolation.vendor import IDENTITIES, Mood, Turn

NAMES = ("shop", "archive", "press")
# Strangers show keys of their own. Some look like what is inside: names of clients, of lanes, of nobody.
STRANGERS = ("", "key-one", "key-two", "client:shop", "*", "anonymous", "native:key-one")
# Of these, what no access key id can be: a request that shows one shows nothing.
NO_ACCESS_KEYS = frozenset({"*"})
FRONTS = ("native", "rekognition", "google rest", "google grpc", "azure")
ENDPOINTS: Mapping[str, str] = {front: front.partition(" ")[0] for front in FRONTS}
QUESTIONS = ("things", "labels", "text", "safety")
# Fronts that have an answer to a question with identities in it; where none are named, all of them.
CAN_SAY: Mapping[str, tuple[str, ...]] = {"labels": ("native",), "safety": ("native", "rekognition")}
# A client that leaves does so after this long, seconds: while it gathers, is asked about, or is on its way back.
LEAVES_S = (0.002, 0.015, 0.03, 0.06, 0.12)
# When a request comes, seconds: in the window of others, or while they are asked about.
ARRIVES_S = (0.0, 0.0, 0.004, 0.01, 0.04, 0.09)
# What the vendor takes, seconds: at once, longer than a frozen worker's lease, longer than an attempt may take.
TAKES_S = (0.0, 0.0, 0.0, 0.01, 0.05, 0.2, 0.5)
MOST_VISITORS, FEWEST_REQUESTS, MOST_REQUESTS, MOST_IN_A_BATCH = 4, 10, 24, 3


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, where, and what else he shows, in the hope to be taken for somebody else."""

    front: str
    who: str
    is_named: bool
    smuggled: tuple[tuple[str, str], ...] = ()

    @property
    def principal(self) -> str:
        """Whoever is another one here may never meet him on a sheet."""
        if self.is_named:
            return f"client {self.who}"
        shown = "" if self.front == "rekognition" and self.who in NO_ACCESS_KEYS else self.who
        return f"{ENDPOINTS[self.front]} {shown!r}"


@dataclass(frozen=True, slots=True)
class Ask:
    """One request. `identities`: its pictures; several only where the front has batches."""

    visitor: Visitor
    question: str
    identities: tuple[int, ...]
    at_s: float
    leaves_s: float | None = None
    wants_grid: bool = True


@dataclass(frozen=True, slots=True)
class Plan:
    """A whole example. `joins`: equal questions of one client that are under way share an answer; `keeps`: answers are kept for
    later ones. `frozen`: of the batches, by number, those whose worker does nothing for so long that the lease ends."""

    asks: tuple[Ask, ...]
    turns: tuple[Turn, ...]
    poison: frozenset[int]
    frozen: frozenset[int]
    mixes_tenants: bool
    layouts: tuple[str, ...]
    watches: bool
    escalates: bool
    prevalence: float
    request_s: float
    joins: bool
    keeps: bool
    seed: int


# Headers that nobody should listen to, and headers of other fronts (or of less weight than what is shown by right).
_NEVER_HEARD = (
    ("cookie", "key={key}"),
    ("x-tessera-tenant", "{name}"),
    ("x-forwarded-user", "{name}"),
    ("x-amz-security-token", "{key}"),
    ("x-goog-user-project", "{name}"),
)
_HEARD_ELSEWHERE = (
    ("x-api-key", "{key}"),
    ("x-goog-api-key", "{key}"),
    ("ocp-apim-subscription-key", "{key}"),
    ("authorization", "Bearer {key}"),
)
# Of so many pictures those of a story are chosen: of few, so that several ask about equal ones; mostly of many, which can be
# told apart.
SPREADS = (6, IDENTITIES // 2, IDENTITIES // 2)


def key_of(name: str) -> str:
    return f"{name}-key"


@st.composite
def casts(draw: st.DrawFn, *, named: bool) -> list[Visitor]:
    """Two to four who come near each other: one key at several fronts, several keys at one, or any."""
    people = st.sampled_from(NAMES if named else STRANGERS)
    how = draw(st.sampled_from(("one key", "one front", "any")))
    fewest = 1 if how == "one key" else 2
    who = draw(st.lists(people, min_size=fewest, max_size=1 if how == "one key" else 3, unique=True))
    fewest = 1 if how == "one front" else 2
    fronts = draw(st.lists(st.sampled_from(FRONTS), min_size=fewest, max_size=1 if how == "one front" else 3, unique=True))
    pairs = [(one, front) for one in who for front in fronts]
    chosen = draw(st.lists(st.sampled_from(pairs), min_size=2, max_size=MOST_VISITORS, unique=True))
    return [draw(_visitors(who=one, others=who, front=front, named=named)) for one, front in chosen]


@st.composite
def _visitors(draw: st.DrawFn, *, who: str, others: Sequence[str], front: str, named: bool) -> Visitor:
    """What one smuggles is another's of the story; where he shows nothing, it must be nothing that is listened to."""
    other = draw(st.sampled_from([one for one in others if one and one != who] or ["somebody"]))
    headers = dict(draw(st.lists(st.sampled_from(_NEVER_HEARD), max_size=1)))
    if who and draw(st.booleans()):
        headers |= dict(_HEARD_ELSEWHERE)
    shown = {name: value.format(key=key_of(other) if named else other, name=other) for name, value in headers.items()}
    return Visitor(front, who, named, tuple(sorted(shown.items())))


@st.composite
def _asks(draw: st.DrawFn, *, cast: Sequence[Visitor], asked: Sequence[str], spread: int) -> Ask:
    visitor = draw(st.sampled_from(cast))
    may_ask = [one for one in asked if visitor.front in CAN_SAY.get(one, FRONTS)] or ["things"]
    most = MOST_IN_A_BATCH if visitor.front.startswith("google") else 1
    return Ask(
        visitor,
        draw(st.sampled_from(may_ask)),
        tuple(draw(st.lists(st.integers(0, spread - 1), min_size=1, max_size=most, unique=True))),
        draw(st.sampled_from(ARRIVES_S)),
        draw(st.one_of(st.none(), st.none(), st.none(), st.sampled_from(LEAVES_S))),
        draw(st.sampled_from((True,) * 7 + (False,))),
    )


_TURNS = st.builds(
    Turn,
    st.one_of(st.just(Mood.WELL), st.just(Mood.WELL), st.sampled_from(Mood)),
    st.sampled_from(TAKES_S),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Whether clients are named holds for all of a process, as it does for a process of the operator's."""
    named = draw(st.booleans())
    cast = draw(casts(named=named))
    asked = draw(st.lists(st.sampled_from(QUESTIONS), min_size=1, max_size=2, unique=True))
    spread = draw(st.sampled_from(SPREADS))
    asks = tuple(draw(st.lists(_asks(cast=cast, asked=asked, spread=spread), min_size=FEWEST_REQUESTS, max_size=MOST_REQUESTS)))
    shown = sorted({identity for ask in asks for identity in ask.identities})
    return Plan(
        asks,
        tuple(draw(st.lists(_TURNS, min_size=1, max_size=6))),
        frozenset(draw(st.lists(st.sampled_from(shown), max_size=2))),
        frozenset(draw(st.lists(st.integers(0, 5), max_size=3))),
        draw(st.booleans()),
        draw(st.sampled_from((("2x1",), ("2x2",), ("1x2", "2x1", "2x2", "3x3")))),
        draw(st.booleans()),
        draw(st.booleans()),
        draw(st.sampled_from((0.02, 0.2, 0.6))),
        draw(st.sampled_from((5.0, 7.0))),
        draw(st.sampled_from((False, False, True))),
        draw(st.booleans()),
        draw(st.integers(0, 2**16)),
    )
