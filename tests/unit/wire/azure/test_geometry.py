"""Whole pixels of the client's own image: nothing outside of it, nothing without extent, and what was whole stays as it was."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.core.geometry import PixelBox, Size, UnitBox, UnitLength, UnitPoint
from app.core.model import Tree
from app.wire.azure.geometry import PixelRect, point, to_wire

SIZES = st.builds(Size, st.integers(1, 16_000), st.integers(1, 16_000))
RATIOS = st.floats(-1, 2)


@given(SIZES, RATIOS, RATIOS, RATIOS, RATIOS)
def test_a_rectangle_is_inside_and_has_an_extent(size: Size, a: float, b: float, c: float, d: float) -> None:
    rect = PixelRect.of(UnitBox(min(a, b), min(c, d), max(a, b), max(c, d)), size)
    assert rect.left_px >= 0 <= rect.top_px
    assert rect.width_px >= 1 <= rect.height_px
    assert rect.left_px + rect.width_px <= size.width_px
    assert rect.top_px + rect.height_px <= size.height_px


@given(st.data())
def test_whole_pixels_come_back(data: st.DataObject) -> None:
    size = data.draw(SIZES)
    left, top = data.draw(st.integers(0, size.width_px - 1)), data.draw(st.integers(0, size.height_px - 1))
    right, bottom = data.draw(st.integers(left + 1, size.width_px)), data.draw(st.integers(top + 1, size.height_px))
    box = PixelBox(left, top, right, bottom).to_unit(size)
    assert PixelRect.of(box, size) == PixelRect(left, top, right - left, bottom - top)
    assert point(UnitPoint(box.left, box.bottom), size) == {"x": left, "y": bottom}


def test_a_tree_is_written_out() -> None:
    size = Size(200, 100)
    tree: Tree = {"boundingBox": UnitBox(0.1, 0.2, 0.3, 0.4), "deep": [{"at": UnitPoint(0.5, 1.5)}, 7, "x", None], "new": True}
    assert to_wire(tree, size) == {
        "boundingBox": {"x": 20, "y": 20, "w": 40, "h": 20},
        "deep": [{"at": {"x": 100, "y": 100}}, 7, "x", None],
        "new": True,
    }
    assert PixelRect(1, 2, 3, 4).ltwh() == {"left": 1, "top": 2, "width": 3, "height": 4}
    assert to_wire(UnitLength(0.5), size) == UnitLength(0.5)  # Azure has no lengths
