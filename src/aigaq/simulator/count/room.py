"""The room behind the ballot: wall, people around the table, the table with what lies on it. A still picture."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.canvas import lay, turned
from aigaq.simulator.count.hands import Hand, some_hand
from aigaq.simulator.count.people import Hair, body, folded_arms, some_hair
from aigaq.simulator.count.sculpt import Colour, Limb, Sprite, sculpt

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
TABLE: Final = (-1250.0, 1250.0, -340.0, 520.0)
"""Left, right, far and near edge of the top, mm."""
_WALL: Final = -1700.0
_WALL_PX: Final = 0.25
_STEP: Final = 16
_CLOTHS: Final[tuple[Colour, ...]] = ((74, 86, 80), (44, 66, 104), (128, 98, 70), (92, 92, 96), (58, 86, 66))
_WALLS: Final[tuple[Colour, ...]] = ((186, 182, 170), (166, 180, 176), (196, 186, 166), (176, 178, 186))


@dataclass(frozen=True, slots=True)
class Sitter:
    """Somebody who sways a little: the body, cut at the table, and the arms that lie on it."""

    body: Bytes
    arms: Bytes
    body_at: tuple[int, int]
    arms_at: tuple[int, int]
    phase: float


@dataclass(frozen=True, slots=True)
class Room:
    """The picture without the count, and who moves in it. `holder` shows the ballots."""

    plate: Bytes
    sitters: tuple[Sitter, ...]
    holder: Hand


@dataclass(frozen=True, slots=True)
class _Person:
    x: float
    hand: Hand
    hair: Hair
    tone: Colour


def furnish(camera: Camera, seed: int) -> Room:
    """Draw the room of a seed as a camera sees it; another camera sees the same room."""
    rng = np.random.default_rng([seed, 3])
    people = [_person(x + rng.normal(0, 25), rng) for x in (0, -1000, -540, 560, 1010)]
    wall, table = _wall(rng), _table(rng)
    things = [(*place, _thing(kind, rng)) for kind, place in _things(rng)]
    plate = _looked_up(camera, wall, 1.0, _WALL)
    sitters = [_sitter(camera, one, rng.uniform(0, 6)) for one in people]
    for sitter in sitters[:2]:
        lay(plate, sitter.body, *sitter.body_at)
    for sitter in sitters[4:]:
        lay(plate, sitter.body, *sitter.body_at)
    plate = cv2.GaussianBlur(plate, (0, 0), 1.5 * camera.height / 1080).astype(np.uint8, copy=False)
    _spread(plate, camera, table)
    for sitter in (sitters[1], sitters[4]):
        lay(plate, sitter.arms, *sitter.arms_at)
    for x, z, limbs in things:
        _stand(plate, camera, np.array([x, 0.0, z]), limbs)
    return Room(plate, tuple(sitters[2:4]), people[0].hand)


def _person(x: float, rng: np.random.Generator) -> _Person:
    hand = some_hand(rng)
    return _Person(float(x), hand, *some_hair(rng))


def _sitter(camera: Camera, one: _Person, phase: float) -> Sitter:
    edge = np.array([one.x, 0.0, TABLE[2] - 30])
    at, scale = camera.project(edge), camera.scale_at(edge)
    fine = round(scale, 2)
    matrix = np.array([[scale, 0, at[0]], [0, scale, at[1]], [0, 0, 1]])
    trunk, left, top = _turned(body(one.hand, one.hair, one.tone, fine), matrix, camera)
    cut = max(1, min(trunk.shape[0], round(float(at[1]) + 8 * scale) - top))
    arms, arms_left, arms_top = _turned(folded_arms(one.hand, fine), matrix, camera)
    soft = cv2.GaussianBlur(trunk[:cut], (0, 0), max(0.6, 1.7 * scale)).astype(np.uint8, copy=False)
    return Sitter(soft, arms, (left, top), (arms_left, arms_top), phase)


def _turned(sprite: Sprite, matrix: Floats, camera: Camera) -> tuple[Bytes, int, int]:
    nothing = (np.zeros((2, 2, 4), np.uint8), -9, -9)
    return turned(sprite, matrix, (camera.width, camera.height)) or nothing


def _plane(camera: Camera, axis: int, at: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Where each pixel's ray meets the plane on which a coordinate is `at`: points (h, w, 3), and whether it does."""
    columns = np.arange(-_STEP, camera.width + 2 * _STEP, _STEP) + (_STEP - 1) / 2
    rows = np.arange(-_STEP, camera.height + 2 * _STEP, _STEP) + (_STEP - 1) / 2
    rays = camera.rays(np.stack(np.meshgrid(columns, rows), axis=-1).astype(np.float64))
    eye = np.array(camera.eye)
    far = (at - eye[axis]) / rays[..., axis]
    far = np.where(far > 0, np.minimum(far, 1e5), 1e5)
    points = (eye + far[..., None] * rays).astype(np.float32)
    size = (len(columns) * _STEP, len(rows) * _STEP)
    full = cv2.resize(points, size, interpolation=cv2.INTER_LINEAR)
    cut = full[_STEP : _STEP + camera.height, _STEP : _STEP + camera.width]
    return cut.astype(np.float64), np.abs(cut).max(axis=-1) < 5e4


def _looked_up(camera: Camera, wall: Bytes, light: float, depth: float) -> Bytes:
    points, _ = _plane(camera, 2, depth)
    x = ((points[..., 0] + 4000) * _WALL_PX).astype(np.float32)
    y = ((2400 - points[..., 1]) * _WALL_PX).astype(np.float32)
    picture = cv2.remap(wall, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return cv2.convertScaleAbs(picture, alpha=light).astype(np.uint8, copy=False)


def _wall(rng: np.random.Generator) -> Bytes:
    """Paint with a window or two, a door and some notices, 8 x 3.8 m."""
    wall = np.zeros((950, 2000, 3), np.uint8)
    wall[:] = _WALLS[int(rng.integers(len(_WALLS)))]
    shade = np.linspace(1.06, 0.78, 950, dtype=np.float32)[:, None, None]
    wall = np.clip(wall * shade, 0, 255).astype(np.uint8)
    dark = tuple(int(c * 0.62) for c in wall[500, 0])
    cv2.rectangle(wall, (0, 700), (2000, 712), dark, -1)
    for x in rng.choice((120, 480, 1300, 1640), 2, replace=False):
        cv2.rectangle(wall, (int(x), 120), (int(x) + 230, 470), (212, 206, 196), -1)
        cv2.rectangle(wall, (int(x) + 10, 130), (int(x) + 220, 460), (246, 250, 252), -1)
        cv2.line(wall, (int(x) + 115, 120), (int(x) + 115, 470), (212, 206, 196), 9)
    cv2.rectangle(wall, (930, 230), (1120, 700), tuple(int(c) for c in rng.integers(90, 150, 3)), -1)
    for _ in range(6):
        x, y = int(rng.integers(60, 1900)), int(rng.integers(300, 520))
        tint = tuple(int(c) for c in rng.integers(190, 250, 3))
        cv2.rectangle(wall, (x, y), (x + int(rng.integers(30, 75)), y + int(rng.integers(40, 80))), tint, -1)
    return wall


def _table(rng: np.random.Generator) -> Bytes:
    """The top, 1 px/mm: cloth or wood, protocols, pens, a telephone. Row 0 is the far edge."""
    wide, deep = int(TABLE[1] - TABLE[0]), int(TABLE[3] - TABLE[2])
    cloth = np.array(_CLOTHS[int(rng.integers(len(_CLOTHS)))], np.float32)
    weave = rng.normal(0, 1, (deep, wide)).astype(np.float32)
    grain = cv2.GaussianBlur(weave, (0, 0), sigmaX=float(rng.choice((1.0, 14.0))), sigmaY=1.0)
    top = cloth * (1 + 0.05 * grain / grain.std())[..., None]
    top = np.clip(top, 0, 255).astype(np.uint8)
    for _ in range(7):
        _paper_on(top, rng)
    for _ in range(6):
        x, y = rng.uniform(0, wide), rng.uniform(0, deep)
        turn = rng.uniform(0, np.pi)
        end = (int(x + 70 * np.cos(turn)), int(y + 70 * np.sin(turn)))
        cv2.line(top, (int(x) + 4, int(y) + 5), (end[0] + 4, end[1] + 5), (40, 40, 40), 8, cv2.LINE_AA)
        cv2.line(top, (int(x), int(y)), end, tuple(int(c) for c in rng.integers(20, 200, 3)), 8, cv2.LINE_AA)
    x, y = int(rng.choice((300, 2050))), int(rng.uniform(420, 700))
    cv2.rectangle(top, (x, y), (x + 76, y + 155), (22, 22, 26), -1)
    cv2.rectangle(top, (x + 4, y + 8), (x + 72, y + 146), (48, 52, 60), -1)
    return top


def _paper_on(top: Bytes, rng: np.random.Generator) -> None:
    """A sheet of the commission's papers: white, with typed rows."""
    page = np.full((297, 210, 3), 232, np.uint8)
    for row in range(30, 260, 10):
        page[row : row + 3, 20 : int(rng.integers(90, 190))] = 120
    place, turn = rng.uniform((100, 40), (top.shape[1] - 100, top.shape[0] - 150)), rng.uniform(-25, 25)
    matrix = cv2.getRotationMatrix2D((105, 148), turn, 1)
    matrix[:, 2] += place - np.array([105, 148])
    size = (top.shape[1], top.shape[0])
    mask = cv2.warpAffine(np.full((297, 210), 255, np.uint8), matrix, size)
    shadow = cv2.GaussianBlur(np.roll(mask, (6, 5), (0, 1)), (0, 0), 5).astype(np.float32)[..., None]
    top[:] = (top * (1 - 0.35 * shadow / 255)).astype(np.uint8)
    laid = cv2.warpAffine(page, matrix, size)
    top[mask > 127] = laid[mask > 127]


def _spread(plate: Bytes, camera: Camera, table: Bytes) -> None:
    points, hit = _plane(camera, 1, 0.0)
    x, z = points[..., 0], points[..., 2]
    inside = hit & (x > TABLE[0]) & (x < TABLE[1]) & (z > TABLE[2]) & (z < TABLE[3])
    to_x, to_y = (x - TABLE[0]).astype(np.float32), (z - TABLE[2]).astype(np.float32)
    top = cv2.remap(table, to_x, to_y, cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    top *= (0.72 + 0.28 * np.clip((z + 340) / 260, 0, 1)).astype(np.float32)[..., None]
    soft = cv2.GaussianBlur(inside.astype(np.float32), (0, 0), 0.8)[..., None]
    _floor(plate, camera, hit & (z >= TABLE[3]))
    plate[:] = (plate * (1 - soft) + top * soft).astype(np.uint8)


def _floor(plate: Bytes, camera: Camera, below: NDArray[np.bool_]) -> None:
    """What is seen before the table's near edge: boards, dark under the table."""
    points, _ = _plane(camera, 1, -740.0)
    x, z = points[below][:, 0], points[below][:, 2]
    boards = 0.92 + 0.05 * np.sin(x / 37 + 3 * np.sin(z / 410)) + 0.06 * (np.floor(x / 140) % 2)
    light = np.clip((z - TABLE[3] + 260) / 520, 0.4, 1.0) * boards
    plate[below] = np.clip(light[:, None] * (138, 118, 96), 0, 255).astype(np.uint8)


def _things(rng: np.random.Generator) -> list[tuple[str, tuple[float, float]]]:
    spots = [(-820.0, -180.0), (800.0, -200.0), (-640.0, 120.0), (620.0, 160.0), (880.0, 40.0), (-900.0, 60.0)]
    kinds = ("bottle", "cup", "stamp", "cup", "bottle", "glass")
    order = rng.permutation(len(spots))
    return [(kinds[n], spots[int(k)]) for n, k in enumerate(order) if rng.random() < 0.8]


def _thing(kind: str, rng: np.random.Generator) -> list[Limb]:
    """Upright things, y down, standing at (0, 0)."""
    r, g, b = (int(c) for c in rng.integers(50, 220, 3))
    tint: Colour = (r, g, b)
    if kind == "bottle":
        return [Limb((0, -32, 32), (0, -170, 31), (176, 204, 214)), Limb((0, -200, 14), (0, -222, 14), tint)]
    if kind == "stamp":
        return [Limb((0, -22, 26), (0, -26, 24), (60, 30, 26)), Limb((0, -40, 14), (0, -78, 18), (120, 60, 44))]
    if kind == "glass":
        return [Limb((0, -30, 30), (0, -84, 33), (198, 208, 210))]
    return [Limb((0, -36, 36), (0, -66, 40), tint), Limb((0, -80, 36), (0, -82, 36), (52, 34, 26), 6, 0.3)]


def _stand(plate: Bytes, camera: Camera, at: Floats, limbs: list[Limb]) -> None:
    scale, place = camera.scale_at(at), camera.project(at)
    sprite = sculpt(limbs, round(scale, 2), seed=int(abs(at[0])))
    lay(plate, *_turned(sprite, np.array([[scale, 0, place[0]], [0, scale, place[1]], [0, 0, 1]]), camera))
