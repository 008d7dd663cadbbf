"""How many may be connected, and who has to go."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.server.crowd import SPARE, Crowd

MOST = 3


@dataclass(eq=False)
class Member:
    name: str
    gone: list[str] = field(repr=False)

    def turn_out(self) -> None:
        self.gone.append(self.name)


class Door:
    """A crowd, and who has been turned out of it."""

    def __init__(self) -> None:
        self.crowd = Crowd(MOST)
        self.gone: list[str] = []

    def enter(self, *names: str) -> list[Member]:
        members = [Member(name, self.gone) for name in names]
        for member in members:
            self.crowd.enter(member)
        return members

    def fill(self) -> list[Member]:
        """As many as find room, nobody turned out."""
        return self.enter(*(str(number) for number in range(MOST + SPARE)))


def test_an_empty_house_takes_everybody() -> None:
    door = Door()
    door.fill()
    assert (door.gone, door.crowd.inside) == ([], MOST + SPARE)


def test_who_has_been_idle_longest_makes_room() -> None:
    door = Door()
    members = door.fill()
    door.crowd.begin(members[0])
    door.crowd.whole(members[0])
    door.crowd.rest(members[0])  # has been idle for the shortest time now
    door.enter("a", "b")
    assert (door.gone, door.crowd.inside) == (["1", "2"], MOST + SPARE)


def test_where_nobody_is_idle_it_is_the_slowest_sender() -> None:
    """Never one whose request is whole."""
    door = Door()
    members = door.fill()
    for member in members:
        door.crowd.begin(member)
    door.crowd.whole(members[0])
    door.enter("a")
    assert door.gone == ["1"]


def test_beyond_the_most_nobody_else_is_served() -> None:
    door = Door()
    members = door.fill()
    assert [door.crowd.begin(member) for member in members[: MOST + 2]] == [True] * MOST + [False] * 2
    door.crowd.rest(members[0])
    door.crowd.rest(members[1])
    door.crowd.rest(members[2])
    assert door.crowd.begin(members[0])


def test_who_has_left_counts_no_more() -> None:
    door = Door()
    (member,) = door.enter("a")
    for _ in range(2):
        door.crowd.leave(member)
    assert door.crowd.inside == 0
    door.crowd.rest(member)
    assert not door.crowd.begin(member), "its last words come too late"
    assert (door.crowd.inside, door.gone) == (0, [])


def test_if_all_have_their_requests_whole_nobody_is_turned_out() -> None:
    door = Door()
    for member in door.fill():
        door.crowd.begin(member)
        door.crowd.whole(member)
    door.enter("a")
    assert door.gone == []
