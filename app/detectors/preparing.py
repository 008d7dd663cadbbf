"""From pixels to what a graph is fed, as a recipe says.

In: a graph's inputs, the recipe's `InputRecipe`; then RGB pixels. Out: the feeds, and the `Fitted` image with the way back for
boxes. Called by `sight`. A recipe that does not fit the graph is a ValueError that begins with the recipe's key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from app.detectors.graph import Array, Arrays, Port, described
from app.detectors.recipe import Axes, Colours, Extra, Fit, InputRecipe
from app.detectors.resizing import Fitted, Floats, by_shortest_side, letterbox, stretched

DEFAULT_SIDE_PX = 640
"""Input side where neither recipe nor graph says it: what the YOLO families are trained with."""
_CHANNELS = 3
_TRANSPOSED: Mapping[Axes, tuple[int, int, int]] = {
    Axes.NCHW: (2, 0, 1),
    Axes.CHW: (2, 0, 1),
    Axes.NHWC: (0, 1, 2),
    Axes.HWC: (0, 1, 2),
}
_BATCHED = frozenset({Axes.NCHW, Axes.NHWC})


class Preparation:
    """Prepares images for one graph. Holds no state between images."""

    def __init__(self, recipe: InputRecipe, inputs: Mapping[str, Port]) -> None:
        name, port = _image_input(recipe, inputs)
        self.recipe = recipe if recipe.fit.has_own_size else replace(recipe, size_wh=_agreed_size(recipe, port))
        self._name = name
        self._dtype = port.dtype
        self._dtypes = {extra: inputs[extra].dtype for extra in recipe.extras}

    def __call__(self, rgb: NDArray[np.uint8]) -> tuple[Arrays, Fitted]:
        fitted = self._fitted(rgb)
        feeds = {self._name: self._planes(fitted.pixels)}
        for name, what in self.recipe.extras.items():
            feeds[name] = _extra(what, fitted).astype(self._dtypes[name])
        return feeds, fitted

    def _fitted(self, rgb: NDArray[np.uint8]) -> Fitted:
        recipe, size_wh = self.recipe, self.recipe.size_wh or (0, 0)
        match recipe.fit:
            case Fit.STRETCH:
                return stretched(rgb, size_wh)
            case Fit.LETTERBOX_TOPLEFT | Fit.LETTERBOX_CENTRE:
                centred = recipe.fit is Fit.LETTERBOX_CENTRE
                return letterbox(rgb, size_wh, centred=centred, padding=recipe.padding)
            case Fit.SHORTEST_SIDE:
                return by_shortest_side(
                    rgb,
                    shortest_px=recipe.shortest_px,
                    longest_px=recipe.longest_px,
                    multiple_px=recipe.multiple_px,
                    padding=recipe.padding,
                )
            case Fit.AS_IS:
                return stretched(rgb, (rgb.shape[1], rgb.shape[0]))

    def _planes(self, pixels: Floats) -> Array:
        """Colours, then scale, then the graph's order of dimensions."""
        recipe = self.recipe
        values: Array = pixels[..., ::-1] if recipe.colours is Colours.BGR else pixels
        if recipe.divisor != 1.0:
            values = values / np.float32(recipe.divisor)
        if any(recipe.mean) or recipe.std != (1.0, 1.0, 1.0):
            values = (values - np.array(recipe.mean, np.float32)) / np.array(recipe.std, np.float32)
        values = values.transpose(_TRANSPOSED[recipe.axes])
        if not np.issubdtype(self._dtype, np.floating):
            values = np.rint(values)
        return np.ascontiguousarray(values[None] if recipe.axes in _BATCHED else values, self._dtype)


def _image_input(recipe: InputRecipe, inputs: Mapping[str, Port]) -> tuple[str, Port]:
    """The graph's input for the image: every other one must be an extra."""
    for extra in recipe.extras:
        if extra not in inputs:
            raise ValueError(f"input.extras.{extra}: the graph has no such input: {described(inputs)}")
    left = [name for name in inputs if name not in recipe.extras]
    name = recipe.name or (left[0] if len(left) == 1 else "")
    if left != [name]:
        key = f"input.name = {name!r}" if name else "input.extras"
        raise ValueError(f"{key}: one input is for the image and the others are extras; the graph has {described(inputs)}")
    port = inputs[name]
    if len(port.shape) != len(recipe.axes.value) or port.shape[recipe.axes.value.index("c")] not in (None, _CHANNELS):
        raise ValueError(f"input.axes = {recipe.axes.value!r}: does not fit the graph's input {described({name: port})}")
    return name, port


def _agreed_size(recipe: InputRecipe, port: Port) -> tuple[int, int]:
    """Width and height of the input: the recipe's, which must not contradict the graph's, or else the graph's own."""
    axes = recipe.axes.value
    own_wh = port.shape[axes.index("w")], port.shape[axes.index("h")]
    if recipe.size_wh is None:
        return own_wh[0] or DEFAULT_SIDE_PX, own_wh[1] or DEFAULT_SIDE_PX
    for key, given_px, own_px in zip(("width", "height"), recipe.size_wh, own_wh, strict=True):
        if own_px not in (None, given_px):
            raise ValueError(f"input.{key}: is {given_px}, but the graph's input is ({port})")
    return recipe.size_wh


def _extra(what: Extra, fitted: Fitted) -> Array:
    width_px, height_px = fitted.image_wh
    match what:
        case Extra.ORIGINAL_WH:
            return np.array([[width_px, height_px]])
        case Extra.ORIGINAL_HW:
            return np.array([[height_px, width_px]])
        case Extra.INPUT_WH:
            return np.array([fitted.size_wh])
        case Extra.INPUT_HW:
            return np.array([fitted.size_wh[::-1]])
        case Extra.SCALE_YX:
            return np.array([fitted.scale_xy[::-1]], np.float32)
        case Extra.PIXEL_MASK:
            return _mask(fitted)


def _mask(fitted: Fitted) -> Array:
    """1 where the image is, 0 where it was filled up."""
    mask = np.zeros((1, fitted.size_wh[1], fitted.size_wh[0]), np.int64)
    left, top = (int(offset) for offset in fitted.offset_xy_px)
    mask[:, top : top + fitted.inner_wh[1], left : left + fitted.inner_wh[0]] = 1
    return mask
