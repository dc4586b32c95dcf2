"""What the hands do and when: raise a ballot, hold it before the camera, lay it on its pile, tidy up, over and over.

The whole count is planned from the seed before a frame is drawn; any moment can then be asked for.
"""

from dataclasses import dataclass
from typing import Final, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.cast import Presented
from aigaq.simulator.count.hands import GripKind, Hand, some_hand
from aigaq.simulator.count.paper import Bend, Bump, Fold, Pose, Surface
from aigaq.simulator.count.plan import Conditions, CountPlan

Floats = NDArray[np.float64]
SHOW: Final = np.array([0.0, 300.0, 150.0])
"""Where a ballot's middle is held."""
HEAP: Final = np.array([-60.0, 26.0, -120.0])
"""Where the ballots come from."""
_FLAT: Final = np.array([(1.0, 0.0, 0.0), (0.0, 0.0, -1.0), (0.0, 1.0, 0.0)])
"""Columns: right, down and into a sheet that lies face up on the table."""
_RAISE: Final = 0.18
_LOWER: Final = 0.22
Edge = Literal["left", "right", "bottom"]


@dataclass(frozen=True, slots=True)
class Grip:
    """Where a hand holds the sheet, as the camera sees it: `along` is mm down (or right) from the edge's middle."""

    edge: Edge
    kind: GripKind
    along: float
    reach: int


@dataclass(frozen=True, slots=True)
class Arm:
    """Somebody's arm that reaches past the ballot, before it, from `from_s` to `to_s`."""

    from_s: float
    to_s: float
    hand: Hand
    side: int
    height: float
    far: float


@dataclass(frozen=True, slots=True)
class Act:
    """One ballot's way, or (without one) some tidying of the piles. Seconds from the film's beginning."""

    presented: Presented | None
    start: float
    raised: float
    lowering: float
    end: float
    heap: tuple[Floats, Floats]
    show: tuple[Floats, Floats]
    pile: tuple[Floats, Floats]
    """Middle and rotation (columns right, down, into) at the beginning, while held, at the end."""
    grips: tuple[Grip, ...]
    bends: tuple[Bend, ...]
    bumps: tuple[Bump, ...]
    turn: tuple[float, float] | None
    """When a ballot that comes back side first is turned over."""
    tremor: float
    seed: int
    arm: Arm | None


@dataclass(frozen=True, slots=True)
class Script:
    """The whole film's acts, in order, and how long it lasts."""

    acts: tuple[Act, ...]
    seconds: float


def direct(plan: CountPlan, presented: list[Presented], camera: Camera) -> Script:
    """Plan every movement; ballots are shown to that camera."""
    rng = np.random.default_rng([plan.seed, 2])
    acts = list[Act]()
    now = 0.8
    until_tidy = int(rng.integers(9, 25))
    for shown in presented:
        act = _act(plan, shown, camera, now, rng)
        acts.append(act)
        now = act.end + plan.conditions.pause * rng.uniform(0.6, 1.5)
        until_tidy -= 1
        if until_tidy == 0:
            until_tidy = int(rng.integers(9, 25))
            acts.append(_tidying(now, rng))
            now = acts[-1].end + 0.3
    return Script(tuple(acts), now + 0.6)


def surface_at(act: Act, now: float) -> Surface:
    """The sheet at a moment of its act."""
    middle, rotation = _placed(act, now)
    held = 1 - max(ease((act.raised - now) / (act.raised - act.start)), ease((now - act.lowering) / _fall(act)))
    middle = middle + _shake(act, now) * (0.3 + 0.7 * held) * act.tremor
    lean = _shake(act, now * 0.8 + 31) * 0.006 * act.tremor + _drift(act, now) * 0.03 * held
    rotation = rotation @ cv2.Rodrigues(lean)[0]
    pose = Pose(middle, rotation[:, 0], rotation[:, 1])
    return Surface(pose, act.bends, act.bumps, more=0.35 + 0.65 * held + 0.12 * held * float(_drift(act, now + 9)[0]))


def flat_pose(like: Pose | None, at: Floats, turn: float, *, over: bool = False) -> Pose:
    """A sheet that lies on the table at a point; or, with `like`, one moved and turned a little within its plane."""
    if like is not None:
        right = like.right * np.cos(turn) + like.down * np.sin(turn)
        down = -like.right * np.sin(turn) + like.down * np.cos(turn)
        return Pose(like.middle + at[0] * like.right + at[1] * like.down + at[2] * like.normal, right, down)
    rotation = _about(1, turn) @ _FLAT @ (_about(1, np.pi) if over else np.eye(3))
    return Pose(at, rotation[:, 0], rotation[:, 1])


def _fall(act: Act) -> float:
    return act.end - act.lowering


def _placed(act: Act, now: float) -> tuple[Floats, Floats]:
    if now >= act.lowering:
        share = ease((now - act.lowering) / _fall(act))
        start, end = act.show, act.pile
    else:
        share = ease((now - act.start) / (act.raised - act.start))
        start, end = act.heap, act.show
    middle = start[0] + (end[0] - start[0]) * share + np.array([0, 60, 40]) * np.sin(np.pi * share)
    rotation = _between(start[1], end[1], share)
    if act.turn is not None and now < act.turn[1]:
        share = ease((now - act.turn[0]) / (act.turn[1] - act.turn[0]))
        rotation = rotation @ _about(1, np.pi * (1 - share))
    return middle, rotation


def _between(start: Floats, end: Floats, share: float) -> Floats:
    """Part of the shortest rotation from one to the other."""
    whole, _ = cv2.Rodrigues(end @ start.T)
    return cv2.Rodrigues(whole * share)[0].astype(np.float64) @ start


def ease(share: float) -> float:
    """A hand's movement from rest to rest: least jerk."""
    s = min(1.0, max(0.0, share))
    return s**3 * (10 - 15 * s + 6 * s**2)


def _about(axis: int, angle: float) -> Floats:
    vector = np.zeros(3)
    vector[axis] = angle
    return cv2.Rodrigues(vector)[0].astype(np.float64)


def _shake(act: Act, now: float) -> Floats:
    """Tremor in mm: some sines of 2 to 9 Hz."""
    phases = np.random.default_rng(act.seed).uniform(0, 2 * np.pi, (4, 3))
    rates = np.array([2.3, 3.7, 5.9, 8.6])[:, None]
    sizes = np.array([0.8, 0.5, 0.3, 0.18])[:, None]
    return (sizes * np.sin(2 * np.pi * rates * now + phases)).sum(axis=0)


def _drift(act: Act, now: float) -> Floats:
    phases = np.random.default_rng(act.seed + 1).uniform(0, 2 * np.pi, 3)
    return np.sin(2 * np.pi * np.array([0.31, 0.43, 0.27]) * now + phases)


def _act(plan: CountPlan, shown: Presented, camera: Camera, start: float, rng: np.random.Generator) -> Act:
    c = plan.conditions
    length = c.seconds * float(np.clip(rng.lognormal(0, 0.16), 0.75, 1.5))
    turned = shown.shown == "front-after-back"
    length *= 1.5 if turned else 1
    raised, lowering = start + _RAISE * length, start + (1 - _LOWER) * length
    hold = lowering - raised
    turn = (raised + 0.34 * hold, raised + 0.34 * hold + max(0.2, 0.24 * hold)) if turned else None
    face = _face(shown)
    show = (SHOW + rng.normal(0, (22, 12, 15)), _toward(camera, c, rng) @ face)
    return Act(
        presented=shown,
        start=start,
        raised=raised,
        lowering=lowering,
        end=start + length,
        heap=(HEAP + rng.normal(0, (16, 1, 12)), _about(1, rng.normal(0, 0.3)) @ _FLAT @ face),
        show=show,
        pile=(_pile(shown, rng), _about(1, rng.normal(0, 0.12)) @ _FLAT @ face),
        grips=_grips(shown, c, rng),
        bends=_bends(c, shown, rng),
        bumps=_bumps(c, rng),
        turn=turn,
        tremor=c.tremor * float(rng.uniform(0.5, 1.6)),
        seed=int(rng.integers(1 << 31)),
        arm=_arm(c, raised, lowering, rng),
    )


def _face(shown: Presented) -> Floats:
    face = _about(2, np.pi) if shown.upside_down else np.eye(3)
    return face @ _about(1, np.pi) if shown.shown == "back" else face


def _toward(camera: Camera, c: Conditions, rng: np.random.Generator) -> Floats:
    """A sheet that faces the camera, but for the hand's carelessness."""
    forward = SHOW - np.array(camera.eye)
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, (0.0, 1.0, 0.0))
    right /= np.linalg.norm(right)
    facing = np.stack([right, np.cross(forward, right), forward], axis=1)
    limit = np.radians(c.skew)
    if c.skew < 30:
        yaw, pitch = np.clip(rng.normal(0, limit / 2, 2), -limit, limit)
    else:
        yaw, pitch = rng.uniform(-limit, limit, 2)
    return facing @ _about(1, yaw) @ _about(0, pitch) @ _about(2, rng.normal(0, 0.06))


def _pile(shown: Presented, rng: np.random.Generator) -> Floats:
    """One pile for each choice of a contest, one for what is invalid."""
    choice = shown.ballot.valid_choice
    names = [c.id for c in shown.ballot.style.choices]
    slot = names.index(choice) if choice in names else len(names)
    side = -1 if slot % 2 else 1
    place = np.array([side * (250.0 + 150 * (slot // 2 % 3)), 14.0 + 0.02 * shown.n, -150.0 + 120 * (slot // 2 % 2)])
    return place + rng.normal(0, (7, 0, 7))


def _grips(shown: Presented, c: Conditions, rng: np.random.Generator) -> tuple[Grip, ...]:
    """Two hands on the sides, or one below. A careless finger lies over a box; the others keep off them."""
    wide, tall = shown.ballot.style.size_mm
    kinds: tuple[GripKind, ...] = ("thumb", "fingers", "pinch")
    turned = shown.shown == "front-after-back"
    careless = rng.random() < c.thumb
    if turned or (not careless and rng.random() < 0.12):
        along = 0.0 if turned else float(rng.uniform(-0.2, 0.2) * wide)
        return (Grip("bottom", "pinch", along, int(rng.choice((14, 18, 22, 26)))),)
    grips = list[Grip]()
    boxes_right = shown.shown == "front" and not shown.upside_down
    boxes_left = shown.shown == "front" and shown.upside_down
    sides: tuple[tuple[Edge, bool], ...] = (("left", boxes_left), ("right", boxes_right))
    for edge, boxes in sides:
        kind = kinds[int(rng.integers(3))]
        if boxes and careless:
            box = shown.ballot.style.choices[int(rng.integers(len(shown.ballot.style.choices)))].box
            along = (box.y + box.h / 2 - tall / 2) * (1 if boxes_right else -1) + rng.normal(0, 4)
            grips.append(Grip(edge, kind, float(along), int(rng.choice((31, 36, 41)))))
        else:
            low = rng.uniform(0.12, 0.42) if rng.random() < 0.7 else rng.uniform(-0.42, 0.1)
            reach = int(rng.choice((9, 12, 14) if boxes else (12, 18, 24, 30)))
            grips.append(Grip(edge, kind, float(low * tall), reach))
    return tuple(grips)


def _bends(c: Conditions, shown: Presented, rng: np.random.Generator) -> tuple[Bend, ...]:
    tall = shown.ballot.style.size_mm[1]
    creases = np.random.default_rng(shown.ballot.seed)
    across = creases.normal(0, 5)
    level = [Fold(float(creases.normal(0, 6)), float(creases.choice((-1, 1)) * creases.uniform(0.06, 0.3)))]
    if creases.random() < 0.35:
        level.append(Fold(float(tall / 4 + creases.normal(0, 5)), float(creases.uniform(-0.2, 0.2))))
    upright = [Fold(float(across), float(creases.choice((-1, 1)) * creases.uniform(0.05, 0.26)))]
    if creases.random() < 0.2:
        upright = []
    return (
        Bend(0.0, float(c.curl * rng.normal(0, 1 / 700)), folds=tuple(upright)),
        Bend(np.pi / 2, float(c.curl * rng.normal(0, 1 / 1100)), folds=tuple(level)),
        Bend(float(rng.uniform(0, np.pi)), 0.0, ends=float(c.curl * rng.normal(0, 0.14))),
    )


def _bumps(c: Conditions, rng: np.random.Generator) -> tuple[Bump, ...]:
    return tuple(
        Bump(rng.uniform(-80, 80), rng.uniform(-110, 110), rng.uniform(24, 60), c.curl * rng.normal(0, 2.2))
        for _ in range(3)
    )


def _arm(c: Conditions, raised: float, lowering: float, rng: np.random.Generator) -> Arm | None:
    if rng.random() >= c.crossing:
        return None
    start = rng.uniform(raised - 0.3, lowering - 0.4)
    side = -1 if rng.random() < 0.5 else 1
    return Arm(
        start, start + rng.uniform(0.7, 1.5), some_hand(rng), side, rng.uniform(120, 330), rng.uniform(-160, 130)
    )


def _tidying(start: float, rng: np.random.Generator) -> Act:
    """Both hands square a pile. The sheet's path serves as the hands' path; no sheet is there."""
    length = float(rng.uniform(1.4, 2.8))
    side = -1 if rng.random() < 0.5 else 1
    spot = np.array([side * 300.0, 30.0, -110.0]) + rng.normal(0, (40, 2, 15))
    flat = _about(1, rng.normal(0, 0.2)) @ _FLAT
    grips = (Grip("left", "pinch", 0.0, 20), Grip("right", "pinch", 10.0, 20))
    still = (spot, flat)
    moved = (spot + np.array([side * 12.0, 6.0, 0.0]), flat)
    return Act(
        presented=None,
        start=start,
        raised=start + 0.4 * length,
        lowering=start + 0.6 * length,
        end=start + length,
        heap=still,
        show=moved,
        pile=still,
        grips=grips,
        bends=(),
        bumps=(),
        turn=None,
        tremor=3.0,
        seed=int(rng.integers(1 << 31)),
        arm=None,
    )
