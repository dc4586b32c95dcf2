"""The second reader: the same everywhere, sure where a person would be, and never where a box is hidden."""

import hashlib
import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from aigaq.recount.reading import second
from aigaq.recount.reading.second import CROP, EMPTY, MARKED, UNREADABLE, WEIGHTS_SHA256, second_reader

Bytes = NDArray[np.uint8]
FINE = 8
LOW, HIGH = 10 * FINE, 38 * FINE
"""The box's sides in a crop drawn so much finer."""
MIDDLE = CROP * FINE // 2


def blank(paper: int = 225) -> Bytes:
    """A box between two rules of its table, and the edges of its neighbours."""
    page = np.full((CROP * FINE, CROP * FINE), paper, np.uint8)
    cv2.rectangle(page, (LOW, LOW), (HIGH, HIGH), 60, FINE)
    for y in (4 * FINE, 44 * FINE):
        cv2.line(page, (0, y), (CROP * FINE, y), 90, FINE // 2)
    return page


def shot(page: Bytes, *, gain: float = 1.0, blur: float = 1.0) -> Bytes:
    """As a camera sees it."""
    small = cv2.resize(page, (CROP, CROP), interpolation=cv2.INTER_AREA)
    soft = cv2.GaussianBlur(small, (0, 0), blur).astype(np.float64)
    noise = np.random.default_rng(4).normal(0, 1.5, soft.shape)
    return np.clip(np.rint(soft * gain + noise), 0, 255).astype(np.uint8)


def stroked(page: Bytes, *points: tuple[float, float], ink: int = 60, wide: float = 1.0) -> Bytes:
    """A pen's line through points; 1 is the box's half side from its middle."""
    half = (HIGH - LOW) / 2
    path = np.array([[MIDDLE + x * half, MIDDLE + y * half] for x, y in points]).round().astype(np.int32)
    return cv2.polylines(page.copy(), [path], isClosed=False, color=ink, thickness=round(wide * FINE))


def curve(points: int, *, turns: float = 1.0, radius: float = 0.7) -> list[tuple[float, float]]:
    return [(radius * np.cos(t), radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi * turns, points)]


ZIGZAG = [(-0.8 + 0.1 * n, 0.7 * (-1) ** n) for n in range(17)]
HEART = [
    (12 * np.sin(t) ** 3 / 17, -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)) / 17)
    for t in np.linspace(0, 2 * np.pi, 40)
]
MARKS: dict[str, list[list[tuple[float, float]]]] = {
    "tick": [[(-0.6, 0), (-0.2, 0.6), (0.8, -0.9)]],
    "cross": [[(-0.7, -0.7), (0.7, 0.7)], [(0.7, -0.7), (-0.7, 0.7)]],
    "plus": [[(-0.7, 0), (0.7, 0)], [(0, -0.7), (0, 0.7)]],
    "line": [[(-0.7, 0.5), (0.7, -0.5)]],
    "circle": [curve(40)],
    "heart": [HEART],
    "squiggle": [ZIGZAG],
    "dot": [curve(12, radius=0.06)],
    "large": [[(-1.3, -1.2), (1.3, 1.2)], [(1.3, -1.2), (-1.3, 1.2)]],
}


def marked(kind: str, *, ink: int = 60) -> Bytes:
    page = blank()
    for line in MARKS[kind]:
        page = stroked(page, *line, ink=ink, wide=2.0 if kind == "dot" else 1.0)
    return page


def read(*crops: Bytes, visible: float = 1.0) -> NDArray[np.float32]:
    clean = cv2.resize(blank(), (CROP, CROP), interpolation=cv2.INTER_AREA).astype(np.uint8)
    return second_reader(np.stack(crops), np.stack([clean] * len(crops)), np.full(len(crops), visible))


@pytest.mark.parametrize("kind", sorted(MARKS))
@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_the_shape_of_a_mark_does_not_matter(kind: str, gain: float) -> None:
    assert read(shot(marked(kind), gain=gain))[0, MARKED] > 0.9


@pytest.mark.parametrize("gain", [0.4, 0.7, 1.0, 1.1])
@pytest.mark.parametrize("blur", [0.6, 1.0, 1.5])
def test_an_empty_box_is_empty_in_any_light(gain: float, blur: float) -> None:
    assert read(shot(blank(), gain=gain, blur=blur))[0, EMPTY] > 0.9


def test_a_filled_box_is_marked() -> None:
    page = blank()
    cv2.rectangle(page, (LOW + 2 * FINE, LOW + 2 * FINE), (HIGH - 2 * FINE, HIGH - 2 * FINE), 70, -1)
    assert read(shot(page))[0, MARKED] > 0.9


def test_a_box_a_little_out_of_place_is_read_all_the_same() -> None:
    crops = [
        np.roll(shot(page), (dx, dy), (0, 1)) for page in (blank(), marked("cross")) for dx, dy in ((1, -1), (-2, 1))
    ]
    found = read(*crops)
    assert (found[:2, EMPTY] > 0.8).all()
    assert (found[2:, MARKED] > 0.9).all()


def test_a_neighbours_mark_that_grazes_the_box_is_none_here() -> None:
    crops = [shot(stroked(blank(), *line)) for line in ([(0.2, -2), (0.5, -0.95)], [(-0.4, 2), (0.1, 0.93)])]
    assert (read(*crops)[:, MARKED] < 0.5).all()


def test_what_is_no_box_is_neither_empty_nor_marked() -> None:
    finger = shot(blank())
    cv2.circle(finger, (40, 24), 26, 120, -1)
    found = read(np.full((CROP, CROP), 128, np.uint8), np.zeros((CROP, CROP), np.uint8), finger)
    assert (found[:, [EMPTY, MARKED]] < 0.9).all()


@pytest.mark.parametrize("visible", [0.79, 0.0, -1.0, float("nan")])
def test_a_box_that_is_hidden_is_never_read(visible: float) -> None:
    assert read(shot(marked("cross")), shot(blank()), visible=visible).tolist() == [[0, 0, 1], [0, 0, 1]]
    assert UNREADABLE == 2


def test_a_box_just_visible_enough_is_read() -> None:
    assert read(shot(marked("cross")), visible=0.8)[0, MARKED] > 0.9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1 << 32), count=st.integers(1, 9), picked=st.data())
def test_a_row_depends_on_nothing_but_its_box(seed: int, count: int, picked: st.DataObject) -> None:
    rng = np.random.default_rng(seed)
    crops, blanks = rng.integers(0, 256, (2, count, CROP, CROP), np.uint8)
    visible = rng.uniform(0.7, 1, count)
    found = second_reader(crops, blanks, visible)
    order = picked.draw(st.permutations(range(count)))
    some = order[: picked.draw(st.integers(1, count))]
    assert np.array_equal(second_reader(crops[some], blanks[some], visible[some]), found[some])
    assert np.allclose(found.sum(axis=1), 1, atol=2e-4)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1 << 32))
def test_sums_are_exact(seed: int) -> None:
    """Whole numbers in float32 give what whole numbers of 64 bits give."""
    crops, blanks = np.random.default_rng(seed).integers(0, 256, (2, 3, CROP, CROP), np.uint8)
    seen = second.look(crops, blanks)
    assert np.array_equal(second.logits(second.network(), seen), _slowly(seen))


def _slowly(seen: NDArray[np.float32]) -> NDArray[np.float64]:
    """The same network in int64, by loops over the window."""
    net = second.network()
    now = seen.astype(np.int64)
    for number, layer in enumerate(net.layers):
        if number == net.pool_before:
            now = np.maximum.reduce([now[:, y::2, x::2] for y in (0, 1) for x in (0, 1)])
        sums = _summed(now, layer) + layer.bias.astype(np.int64)
        if number == len(net.layers) - 1:
            return sums * layer.scale.astype(np.float64)
        now = np.clip(np.rint(sums.astype(np.float32) * layer.scale), 0, 255).astype(np.int64)
    raise AssertionError


def _summed(now: NDArray[np.int64], layer: second.Layer) -> NDArray[np.int64]:
    weights = layer.weights.astype(np.int64)
    if layer.side == 0:
        return now.reshape(len(now), -1) @ weights
    side, edge = layer.side, layer.side // 2
    padded = np.pad(now, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    tall, wide = now.shape[1:3]
    blocks = np.split(weights, side * side)
    return sum(
        (padded[:, y : y + tall, x : x + wide][:, :: layer.stride, :: layer.stride] @ blocks[y * side + x])
        for y in range(side)
        for x in range(side)
    )


def test_strided_pictures_read_the_same() -> None:
    crops = np.stack([shot(marked("tick")), shot(blank())])
    assert np.array_equal(read(*crops), read(*[np.asfortranarray(crop) for crop in crops]))


def test_no_boxes_give_no_rows() -> None:
    none = np.zeros((0, CROP, CROP), np.uint8)
    assert second_reader(none, none, np.zeros(0)).shape == (0, 3)


@pytest.mark.parametrize(
    ("crops", "blanks", "visible"),
    [
        ((2, 48, 48), (1, 48, 48), 2),
        ((1, 48, 47), (1, 48, 47), 1),
        ((1, 48, 48), (1, 48, 48), 2),
        ((48, 48), (48, 48), 1),
    ],
)
def test_shapes_that_do_not_fit_are_refused(crops: tuple[int, ...], blanks: tuple[int, ...], visible: int) -> None:
    with pytest.raises(ValueError, match="do not fit"):
        second_reader(np.zeros(crops, np.uint8), np.zeros(blanks, np.uint8), np.ones(visible))


def test_pictures_of_other_depth_are_refused() -> None:
    crops = np.zeros((1, CROP, CROP), np.float32)
    with pytest.raises(ValueError, match="do not fit"):
        second_reader(crops[0], crops[0], np.float64(1))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="8-bit"):
        second_reader(crops, crops, np.ones(1))  # type: ignore[arg-type]


def test_the_weights_are_small_and_named_by_their_hash() -> None:
    content = (Path(second.__file__).parent / "second.npz").read_bytes()
    assert len(content) <= 500_000
    assert hashlib.sha256(content).hexdigest() == WEIGHTS_SHA256


def test_weights_whose_sums_could_round_are_refused() -> None:
    with np.load(Path(second.__file__).parent / "second.npz") as held:
        arrays = dict(held)
    arrays["bias3"] = np.full_like(arrays["bias3"], 1 << 24)
    file = io.BytesIO()
    np.savez(file, **arrays)
    with pytest.raises(ValueError, match="exactly"):
        second.load(file.getvalue())
