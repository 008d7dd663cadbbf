"""Every link in our pages leads somewhere: to a file that is there, and to a heading that it has. Nothing is fetched."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted([*REPOSITORY.glob("*.md"), *(REPOSITORY / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)\s]+)\)")
# A page that is named without being a link.
NAMED = re.compile(r"\bdocs/[\w/-]+\.md\b")
ELSEWHERE = ("https://", "http://", "mailto:")
FENCE = re.compile(r"^ *```.*?^ *```[^\n]*$", re.MULTILINE | re.DOTALL)
IN_LINE = re.compile(r"`[^`\n]*`")


def prose(text: str) -> str:
    """The text without its blocks of code."""
    return FENCE.sub("", text)


def anchors(text: str) -> Iterator[str]:
    """The anchors of a page's headings as GitHub makes them: small letters, no punctuation, `-` for a blank, numbers for the
    second of one name.
    """
    seen: Counter[str] = Counter()
    for heading in re.findall(r"^#{1,6} +(.+?) *#*$", prose(text), re.MULTILINE):
        words = LINK.sub("]", heading).replace("`", "").lower()
        name = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        yield f"{name}-{seen[name]}" if seen[name] else name
        seen[name] += 1


def links(text: str) -> Iterator[str]:
    """Addresses of this repository that the page links to."""
    for link in LINK.findall(IN_LINE.sub("", prose(text))):
        if not link.startswith(ELSEWHERE):
            yield link


def leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if not target.exists():
        return False
    return not anchor or anchor in set(anchors(target.read_text(encoding="utf-8")))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert [link for link in links(text) if not leads_somewhere(page, link)] == []
    assert [name for name in NAMED.findall(text) if not (REPOSITORY / name).exists()] == []


def test_every_page_is_linked_to() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in links(page.read_text(encoding="utf-8"))
        if link.partition("#")[0]
    }
    assert {page.name for page in PAGES if page.parent.name == "docs"} <= {path.name for path in linked}


def test_there_are_links_with_and_without_anchors() -> None:
    found = [link for page in PAGES for link in links(page.read_text(encoding="utf-8"))]
    assert any("#" in link for link in found)
    assert any("#" not in link for link in found)


def test_anchors_are_those_of_github() -> None:
    text = "# One, Sentinel or Cluster?\n## `make demo`\n```\n# no heading\n```\n## Same\n## Same\n### See [there](x.md#y)\n"
    assert list(anchors(text)) == ["one-sentinel-or-cluster", "make-demo", "same", "same-1", "see-there"]


def test_links_in_code_are_none() -> None:
    assert list(links("[a](b.md) `[c](d.md)` [e](https://f)\n```\n[g](h.md)\n```\n[i](#j)")) == ["b.md", "#j"]


@pytest.mark.parametrize(("link", "leads"), [("a.md", True), ("#one", True), ("a.md#two", False), ("b.md", False)])
def test_what_leads_nowhere_is_found(tmp_path: Path, link: str, leads: bool) -> None:
    page = tmp_path / "a.md"
    page.write_text("# One\n", encoding="utf-8")
    assert leads_somewhere(page, link) is leads
