"""The whole scene at a moment: room, people, piles, the ballot in its hands, and what of each box can be seen.

Moments must be asked for in order: what was laid down stays on its pile.
"""

from dataclasses import dataclass, replace
from math import sin, tau
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.canvas import dim, hide, lay, smeared, turned
from aigaq.simulator.count.cast import Ballot, Presented, cast
from aigaq.simulator.count.gripping import HandPlace, along, holds_at, placed
from aigaq.simulator.count.hands import GripSprites, flat_hand, forearm, grip, upper_arm
from aigaq.simulator.count.motion import HEAP, SHOW, Act, Arm, Script, flat_pose, surface_at
from aigaq.simulator.count.painting import Pages, Patch, box_corners, box_points, facing, paint, shaded
from aigaq.simulator.count.paper import Bend, Surface
from aigaq.simulator.count.plan import A4_TALL, CountPlan
from aigaq.simulator.count.room import Sitter, furnish
from aigaq.simulator.count.sculpt import Sprite
from aigaq.simulator.count.sheet import back, front

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
_FINER: Final = 1.3
"""Texture and sprites are so much finer than the picture."""
_HEAP: Final = 34
_PILES: Final = 30
_GRAZING: Final = 0.12
"""Cosine to the eye below which print cannot be read."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What a frame shows of a presentation. Pixels of the frame, x then y, corners clockwise from the sheet's own."""

    n: int
    front: bool
    held: bool
    """It is held up, not on its way."""
    corners: Floats
    boxes: Floats
    """(choices, 4, 2)."""
    visible: NDArray[np.bool_]
    """(choices, 81): points of each box that nothing covers and that lie in the picture."""
    speed: float
    """Pixels that the sheet moves while the shutter is open."""


@dataclass(frozen=True, slots=True)
class Shot:
    """A frame before the sensor."""

    picture: Bytes
    seen: Seen | None
    bright: float


def cameras(plan: CountPlan) -> list[Camera]:
    """Camera 1 before the table, and camera 2 to the left and higher; both look at where ballots are shown."""
    focal = 0.87 * plan.width
    far = focal / (plan.conditions.ballot_px / A4_TALL)
    made = list[Camera]()
    for side, up, away in ((0.0, 17.0, 1.0), (-31.0, 24.0, 1.06))[: plan.cameras]:
        turn, rise = np.radians(side), np.radians(up)
        toward = np.array([np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise)])
        target = SHOW + np.array([0.0, -0.05 * far, 0.0])
        made.append(Camera(_triple(SHOW + toward * far * away), _triple(target), focal, plan.width, plan.height))
    return made


def _triple(vector: Floats) -> tuple[float, float, float]:
    x, y, z = vector.tolist()
    return x, y, z


class Stage:
    """One camera's view of a count."""

    def __init__(self, plan: CountPlan, script: Script, camera: Camera) -> None:
        self._plan = plan
        self._script = script
        self._camera = camera
        self._fine = round(camera.scale_at(SHOW) * _FINER, 3)
        self._shutter = 0.02 if plan.conditions.light > 0.6 else 0.04
        room = furnish(camera, plan.seed)
        self._plate, self._sitters = room.plate, room.sitters
        self.holder = room.holder
        self._cover = np.zeros((camera.height, camera.width), np.uint8)
        self._scene = self._plate.copy()
        self._swung: tuple[int, ...] = ()
        self._pages: tuple[int, Pages, Pages | None] | None = None
        self._landed = 0
        self._heap()

    def at(self, now: float) -> Shot:
        """The picture of a moment."""
        self._land(now)
        picture = self._background(now)
        act = self._act(now)
        places, moves = self._hands(now)
        for place, move in zip(places, moves, strict=True):
            self._arm(picture, place, move, whole=act is None or act.presented is None or not place.gripping)
        if act is None or act.presented is None:
            return Shot(picture, None, 0.0)
        gripping = [pair for pair in zip(places, moves, strict=True) if pair[0].gripping]
        return self._presentation(picture, (act, act.presented), now, gripping)

    def skip_to(self, act: int) -> None:
        """Go to an act of the script; what was shown before it is not laid down."""
        self._landed = act

    def _act(self, now: float) -> Act | None:
        coming = self._script.acts[self._landed : self._landed + 1]
        return coming[0] if coming and coming[0].start <= now else None

    def _presentation(
        self, picture: Bytes, one: tuple[Act, Presented], now: float, hands: list[tuple[HandPlace, Floats]]
    ) -> Shot:
        act, shown = one
        self._cover[:] = 0
        surface, later = surface_at(act, now), surface_at(act, now + self._shutter)
        middles = self._camera.project(np.stack([surface.pose.middle, later.pose.middle]))
        move = middles[1] - middles[0]
        sheet, beneath = self._leaves(act, shown, surface)
        fingers = [(self._turned(self._grip(p).before, p.hand, m)) for p, m in hands]
        for finger in fingers:
            if sheet is not None and finger is not None:
                self._shade(sheet, finger)
        for leaf in (beneath, sheet):
            if leaf is not None:
                self._put(picture, leaf, move)
        for finger in fingers:
            if finger is not None:
                lay(picture, finger.rgba, finger.left, finger.top)
                hide(self._cover, finger.rgba, finger.left, finger.top)
        if act.arm is not None and act.arm.from_s <= now <= act.arm.to_s:
            self._pass(picture, act.arm, now)
        area = 0.0 if sheet is None else sheet.rgba.shape[0] * sheet.rgba.shape[1] / self._cover.size
        return Shot(picture, self._seen(act, shown, surface, now, float(np.hypot(*move))), area)

    def _leaves(
        self, act: Act, shown: Presented, surface: Surface, *, fine: bool = False
    ) -> tuple[Patch | None, Patch | None]:
        if self._pages is None or self._pages[0] != shown.n:
            beneath = None if shown.beneath is None else self._paged(shown.beneath, act.bends)
            self._pages = (shown.n, self._paged(shown.ballot, act.bends), beneath)
        gloss = self._plan.conditions.gloss
        sheet = paint(surface, self._pages[1], self._camera, gloss=gloss, fine=fine)
        if self._pages[2] is None:
            return sheet, None
        pose = flat_pose(surface.pose, np.array([5.0, -4.0, -2.0]), 0.035)
        under = Surface(pose, surface.bends, surface.bumps, surface.more)
        return sheet, paint(under, self._pages[2], self._camera, gloss=gloss, fine=fine)

    def _paged(self, ballot: Ballot, bends: tuple[Bend, ...]) -> Pages:
        sides = (front(ballot, self._fine, bends), back(ballot, self._fine, bends))
        one, two = (cv2.cvtColor(side, cv2.COLOR_RGB2RGBA).astype(np.uint8, copy=False) for side in sides)
        return Pages(one, two, self._fine, ballot.style.size_mm)

    def _shade(self, sheet: Patch, finger: Patch) -> None:
        away = self._camera.height / 1080
        left, top = finger.left + round(5 * away), finger.top + round(7 * away)
        shaded(sheet, finger.rgba, left, top, soft=4.5 * away + 0.5, dark=0.4)

    def _put(self, picture: Bytes, leaf: Patch, move: Floats, *, above: float = 14.0) -> None:
        """Lay a sheet, first its soft shadow as from so many mm above what is below."""
        rgba, left, top = smeared(leaf.rgba, leaf.left, leaf.top, move)
        away = above * self._fine / _FINER
        small = cv2.resize(np.ascontiguousarray(rgba[..., 3]), None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA)
        small = cv2.copyMakeBorder(small, 8, 8, 8, 8, cv2.BORDER_CONSTANT)
        soft = cv2.GaussianBlur(small, (0, 0), 0.4 + away / 10)
        grey = cv2.bitwise_not(cv2.convertScaleAbs(soft, alpha=0.3))
        full = cv2.resize(grey, None, fx=8, fy=8, interpolation=cv2.INTER_LINEAR)
        dim(picture, full.astype(np.uint8, copy=False), left - 64 + round(0.5 * away), top - 64 + round(away))
        lay(picture, rgba, left, top)

    def _grip(self, place: HandPlace) -> GripSprites:
        return grip(self.holder, place.kind, place.reach, self._fine)

    def _hands(self, now: float) -> tuple[list[HandPlace], list[Floats]]:
        now_at, later = (holds_at(self._script, t, self._camera) for t in (now, now + self._shutter))
        moves = [self._camera.project(b.at) - self._camera.project(a.at) for a, b in zip(now_at, later, strict=True)]
        return [placed(hold, self._camera, self.holder.stout) for hold in now_at], moves

    def _arm(self, picture: Bytes, place: HandPlace, move: Floats, *, whole: bool) -> None:
        """An arm and what of its hand is behind the paper; the whole hand where it holds none."""
        self._lay(picture, upper_arm(self.holder, self._fine), place.upper_arm, move * 0.2)
        self._lay(picture, self._grip(place).behind, place.hand, move)
        self._lay(picture, forearm(self.holder, self._fine), place.forearm, move * 0.7)
        if whole:
            self._lay(picture, self._grip(place).before, place.hand, move)

    def _turned(self, sprite: Sprite, matrix: Floats, move: Floats) -> Patch | None:
        found = turned(sprite, matrix, (self._camera.width, self._camera.height))
        return None if found is None else Patch(*smeared(*found, move))

    def _lay(self, picture: Bytes, sprite: Sprite, matrix: Floats, move: Floats) -> None:
        patch = self._turned(sprite, matrix, move)
        if patch is not None:
            lay(picture, patch.rgba, patch.left, patch.top)

    def _pass(self, picture: Bytes, arm: Arm, now: float) -> None:
        """Somebody's arm from the side, nearer to the camera than the ballot."""
        for matrix, sprite in self._passing(arm, now):
            patch = self._turned(sprite, matrix, self._arm_move(arm, now))
            if patch is not None:
                lay(picture, patch.rgba, patch.left, patch.top)
                hide(self._cover, patch.rgba, patch.left, patch.top)

    def _arm_move(self, arm: Arm, now: float) -> Floats:
        a, b = (self._camera.project(_fingertips(arm, t)) for t in (now, now + self._shutter))
        return b - a

    def _passing(self, arm: Arm, now: float) -> list[tuple[Floats, Sprite]]:
        wrist = _fingertips(arm, now)
        elbow = wrist + np.array([arm.side * 290.0, 35.0, 50.0])
        near, far, shoulder = self._camera.project(np.stack([wrist, elbow, elbow + (elbow - wrist) * 2.6]))
        scale = self._camera.scale_at(wrist)
        fine = round(self._fine * 1.2, 3)
        cos, sin = (far - near) / np.hypot(*(far - near)) * scale
        hand = np.array([[-cos, -sin, near[0]], [-sin, cos, near[1]], [0, 0, 1]])
        return [
            (hand, flat_hand(arm.hand, fine)),
            (along(far, shoulder, scale), upper_arm(arm.hand, fine)),
            (along(near, far, scale), forearm(arm.hand, fine)),
        ]

    def _seen(self, act: Act, shown: Presented, surface: Surface, now: float, speed: float) -> Seen:
        style = shown.ballot.style
        half = np.array(style.size_mm) / 2
        sheet = np.array([(-half[0], -half[1]), (half[0], -half[1]), (half[0], half[1]), (-half[0], half[1])])
        corners = self._camera.project(surface.points(sheet))
        boxes = np.stack([box_corners(choice.box, style.size_mm) for choice in style.choices])
        is_front = facing(surface, self._camera) > 0
        spots = np.stack([box_points(choice.box, style.size_mm) for choice in style.choices])
        pixels = np.rint(self._camera.project(surface.points(spots))).astype(int)
        x, y = pixels[..., 0], pixels[..., 1]
        inside = (x >= 0) & (y >= 0) & (x < self._camera.width) & (y < self._camera.height)
        free = self._cover[y.clip(0, self._camera.height - 1), x.clip(0, self._camera.width - 1)] < 128
        return Seen(
            n=shown.n,
            front=is_front,
            held=act.raised <= now <= act.lowering,
            corners=corners,
            boxes=self._camera.project(surface.points(boxes)),
            visible=inside & free & self._turned_here(surface, spots) & is_front,
            speed=speed,
        )

    def _turned_here(self, surface: Surface, spots: Floats) -> NDArray[np.bool_]:
        """Whether these points' own slope faces the camera: a strong curl hides what is behind it."""
        look = np.array(self._camera.eye) - surface.points(spots)
        toward = (surface.normals(spots) * look).sum(axis=-1)
        return toward > _GRAZING * np.linalg.norm(look, axis=-1)

    def _background(self, now: float) -> Bytes:
        """The room and who sways in it, drawn anew only when somebody has moved by a pixel."""
        moves = tuple(_swing(sitter, now) for sitter in self._sitters)
        if moves != self._swung:
            self._swung = moves
            self._scene[:] = self._plate
            for sitter, move in zip(self._sitters, moves, strict=True):
                lay(self._scene, sitter.body, sitter.body_at[0] + move, sitter.body_at[1])
                lay(self._scene, sitter.arms, *sitter.arms_at)
        return self._scene.copy()

    def _land(self, now: float) -> None:
        """Leave on the table what was laid down by then."""
        acts = self._script.acts
        while self._landed < len(acts) and acts[self._landed].end <= now:
            act = acts[self._landed]
            self._landed += 1
            if act.presented is not None:
                for leaf in reversed(self._leaves(act, act.presented, surface_at(act, act.end), fine=True)):
                    if leaf is not None:
                        self._put(self._plate, leaf, np.zeros(2), above=2.5)
                self._swung = ()

    def _heap(self) -> None:
        """What lies there when the film begins: the heap to count, and piles of what was counted."""
        rng = np.random.default_rng([self._plan.seed, 5])
        other = replace(self._plan, seed=self._plan.seed + 1, ballots=12)
        ballots = [shown.ballot for shown in cast(other)]
        pages = [self._paged(ballot, ()) for ballot in ballots]
        for number in range(_PILES + _HEAP):
            page = pages[int(rng.integers(len(pages)))]
            if number < _PILES:
                side = rng.choice((-1, 1))
                spot = np.array([side * (250.0 + 150 * rng.integers(3)), 8.0, -150.0 + 120 * rng.integers(2)])
                place, loose = spot + rng.normal(0, (9, 1, 9)), 0.12
            else:
                place, loose = HEAP + rng.normal(0, (34, 2, 22)) - np.array([0, 8, 0]), 0.6
            bend = Bend(float(rng.uniform(0, 3.1)), float(rng.normal(0, 1 / 1500)))
            surface = Surface(
                flat_pose(None, place, float(rng.normal(0, loose)), over=bool(rng.random() < 0.25)), (bend,)
            )
            leaf = paint(surface, page, self._camera, gloss=0.4, fine=True)
            if leaf is not None:
                self._put(self._plate, leaf, np.zeros(2), above=2.5)


def _swing(sitter: Sitter, now: float) -> int:
    """Pixels to the side."""
    return round(5 * sin(tau * now / 9 + sitter.phase) + 3 * sin(tau * now / 3.7 + 2 * sitter.phase))


def _fingertips(arm: Arm, now: float) -> Floats:
    """Out and back again."""
    share = float(np.sin(np.pi * (now - arm.from_s) / (arm.to_s - arm.from_s)))
    reach = arm.side * (700.0 - share * (560 - arm.side * arm.far))
    return np.array([reach, arm.height, 300.0])
