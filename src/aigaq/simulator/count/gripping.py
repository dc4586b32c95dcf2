"""Where hands and arms are: on the ballot's edges, on their way between ballots, or at rest."""

from bisect import bisect_right
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aigaq.simulator.count.camera import Camera
from aigaq.simulator.count.hands import ARM_LENGTH, WRIST, GripKind
from aigaq.simulator.count.motion import Act, Grip, Script, ease, surface_at
from aigaq.simulator.count.paper import Surface
from aigaq.simulator.count.people import SHOULDER_UP, SHOULDERS
from aigaq.simulator.count.room import TABLE

Floats = NDArray[np.float64]
_ONTO: Final = 8.0
_REST: Final = 0.6
"""Seconds that hands need to come to rest."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A hand in the room: the gripped point, unit vectors onto the paper and towards the wrist."""

    at: Floats
    onto: Floats
    wrist: Floats
    kind: GripKind
    reach: int
    side: int
    """-1 is the arm on the picture's left."""
    gripping: bool = False
    """Its fingers lie before the paper; a hand at rest is behind it."""


@dataclass(frozen=True, slots=True)
class HandPlace:
    """The same in the picture: matrices from mm of the sprites to pixels."""

    hand: Floats
    forearm: Floats
    upper_arm: Floats
    kind: GripKind
    reach: int
    gripping: bool


def holds_at(script: Script, now: float, camera: Camera) -> tuple[Hold, Hold]:
    """Both hands at a moment of the film."""
    done = bisect_right(script.acts, now, key=lambda act: act.end)
    before = script.acts[done - 1] if done else None
    after = script.acts[done] if done < len(script.acts) else None
    if after is not None and after.start <= now:
        return _on(after, now, camera)
    start = _resting() if before is None else _on(before, before.end, camera)
    end = _resting() if after is None else _on(after, after.start, camera)
    begin = before.end if before else after.start - _REST if after else now
    length = after.start - begin if after else _REST
    return _mixed(start, end, ease((now - begin) / max(length, 1e-3)))


def _on(act: Act, now: float, camera: Camera) -> tuple[Hold, Hold]:
    surface = surface_at(act, now)
    size = act.presented.ballot.style.size_mm if act.presented else (170.0, 230.0)
    holds = {1 if grip.edge != "left" else -1: _grip(grip, surface, size, camera) for grip in act.grips}
    left, right = _resting()
    return holds.get(-1, left), holds.get(1, right)


def _grip(grip: Grip, surface: Surface, size: tuple[float, float], camera: Camera) -> Hold:
    """Edges are those of the picture, however the sheet is turned."""
    pose = surface.pose
    across = 1.0 if pose.right @ camera.axes[0] >= 0 else -1.0
    down = 1.0 if pose.down @ camera.axes[1] >= 0 else -1.0
    if grip.edge == "bottom":
        at, onto = np.array([grip.along * across, down * size[1] / 2]), np.array([0.0, -down])
    else:
        side = -1.0 if grip.edge == "left" else 1.0
        at, onto = np.array([side * across * size[0] / 2, down * grip.along]), np.array([-side * across, 0.0])
    start, end = surface.points(np.stack([at, at + onto * _ONTO]))
    hold = _hold(start, (end - start) / np.linalg.norm(end - start), grip, -1 if grip.edge == "left" else 1)
    return replace(hold, gripping=True)


def _hold(at: Floats, onto: Floats, grip: Grip, side: int) -> Hold:
    """A forearm comes from below when the hand is up, from behind the table when it is down."""
    up = ease((at[1] - 40) / 160)
    held = np.array([1.0, -0.35, 0.0]) if grip.edge == "bottom" else np.array([0.12 * side, -1.0, -0.1])
    wrist = up * held + (1 - up) * np.array([0.2 * side, 0.25, -1.0])
    wrist = wrist - (wrist @ onto) * onto
    return Hold(at, onto, wrist / np.linalg.norm(wrist), grip.kind, grip.reach, side)


def _resting() -> tuple[Hold, Hold]:
    grip = Grip("left", "pinch", 0, 18)
    left, right = (
        _hold(np.array([side * 150.0, 22.0, -205.0]), np.array([-side * 0.8, 0.0, 0.6]), grip, side) for side in (-1, 1)
    )
    return left, right


def _mixed(start: tuple[Hold, Hold], end: tuple[Hold, Hold], share: float) -> tuple[Hold, Hold]:
    left, right = (_between(a, b, share) for a, b in zip(start, end, strict=True))
    return left, right


def _between(a: Hold, b: Hold, share: float) -> Hold:
    at = a.at + (b.at - a.at) * share + np.array([0, 45.0, 0]) * np.sin(np.pi * share)
    onto = a.onto + (b.onto - a.onto) * share
    wrist = a.wrist + (b.wrist - a.wrist) * share
    near = a if share < 0.5 else b
    return Hold(at, onto / np.linalg.norm(onto), wrist / np.linalg.norm(wrist), near.kind, near.reach, near.side)


def placed(hold: Hold, camera: Camera, stout: float) -> HandPlace:
    """A hand and its arm in the picture."""
    scale = camera.scale_at(hold.at)
    points = camera.project(np.stack([hold.at, hold.at + hold.onto, hold.at + hold.wrist]))
    onto, down = points[1] - points[0], points[2] - points[0]
    onto = onto / max(float(np.hypot(*onto)), 1e-6) * scale
    hand = np.array([[onto[0], down[0], points[0, 0]], [onto[1], down[1], points[0, 1]], [0, 0, 1]])
    shoulder = np.array([hold.side * SHOULDERS * stout, SHOULDER_UP - 20, TABLE[2] - 30])
    up = ease((hold.at[1] - 40) / 160)
    low = np.array([hold.side * 265.0, 70.0, TABLE[2] + 60])
    high = np.array(
        [hold.at[0] + hold.side * (120.0 + 110 * abs(hold.wrist[0])), max(10.0, hold.at[1] - 250), hold.at[2] - 150]
    )
    elbow = low + (high - low) * up
    wrist = (hand @ np.array([WRIST[0] * 0.86, WRIST[1] * 0.86, 1]))[:2]
    bend, top = camera.project(np.stack([elbow, shoulder]))
    lower = along(wrist, bend, (scale + camera.scale_at(elbow)) / 2)
    upper = along(bend, top, camera.scale_at(elbow))
    return HandPlace(hand, lower, upper, hold.kind, hold.reach, hold.gripping)


def along(start: Floats, end: Floats, scale: float) -> Floats:
    """A limb's sprite from one pixel to another, so wide as its depth makes it."""
    way = end - start
    length = max(float(np.hypot(*way)), 1e-6)
    cos, sin = way / length
    long = length / ARM_LENGTH
    return np.array([[cos * long, -sin * scale, start[0]], [sin * long, cos * scale, start[1]], [0, 0, 1]])


def activity(script: Script) -> list[tuple[float, float, str]]:
    """When hands do something, and what: holding up a ballot, tidying, or somebody's arm in the way."""
    done = [(act.start, act.end, "presentation" if act.presented else "tidying") for act in script.acts]
    done += [(act.arm.from_s, act.arm.to_s, "arm") for act in script.acts if act.arm]
    return sorted(done)
