"""What a box says of itself when it is enrolled: its cameras, their masks and first pictures, its software.

The log holds only the hash of these facts; the facts themselves stay with the commission and in the evidence package.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Self, cast

import cbor2

from aigaq.base import N_
from aigaq.ledger.enrolment.errors import BadFactsError
from aigaq_verify import ID

FORMAT: Final = 1
MAX_FACTS: Final = 32 << 10
"""Bytes of the encoded facts; five cameras with a dozen masks each take about 2 kB."""
GRID: Final = 10_000
"""Corners of masks are given in ten-thousandths of the picture's width and height."""
_MAC: Final = re.compile(r"[0-9a-f]{2}(?::[0-9a-f]{2}){5}")
_MAX_CAMERAS: Final = 32
_MAX_CORNERS: Final = 256

Mask = tuple[tuple[int, int], ...]
"""A polygon that the camera blackens before encoding: at least three corners, each `(x, y)` on the grid."""


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """One camera as it was when the station was set up."""

    camera: str
    mac: str
    """Its network address, `aa:bb:cc:dd:ee:ff`."""
    frame_sha256: bytes
    """SHA-256 of the reference frame: what the camera saw when its view was approved."""
    masks: tuple[Mask, ...] = ()

    def __post_init__(self) -> None:
        _hold(bool(ID.fullmatch(self.camera)), N_("a camera's id is not an identifier"))
        _hold(bool(_MAC.fullmatch(self.mac)), N_("a camera's MAC is not six hex pairs"))
        _hold(len(self.frame_sha256) == 32, N_("a hash is not 32 bytes"))
        _hold(sum(map(len, self.masks)) <= _MAX_CORNERS, N_("a camera has too many corners of masks"))
        _hold(all(map(_is_mask, self.masks)), N_("a mask is not a polygon of three or more corners on the grid"))


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts of one box. Cameras are sorted, so that the same facts have the same hash."""

    cameras: tuple[CameraFacts, ...] = ()
    image_sha256: bytes = bytes(32)
    """SHA-256 of the system image that the box runs; zeros where none was taken."""

    def __post_init__(self) -> None:
        names = [camera.camera for camera in self.cameras]
        _hold(names == sorted(set(names)), N_("the cameras are not sorted by id, or one is there twice"))
        _hold(len(names) <= _MAX_CAMERAS, N_("there are too many cameras"))
        _hold(len(self.image_sha256) == 32, N_("a hash is not 32 bytes"))

    def encode(self) -> bytes:
        """Deterministic CBOR `[1, [[camera, mac, frame hash, [[[x, y], …], …]], …], image hash]`."""
        cameras = [[c.camera, c.mac, c.frame_sha256, [list(map(list, m)) for m in c.masks]] for c in self.cameras]
        return cbor2.dumps([FORMAT, cameras, self.image_sha256], canonical=True)

    @property
    def hash(self) -> bytes:
        """SHA-256 over `encode()`: item `facts_hash` of the enrolment leaf."""
        return hashlib.sha256(self.encode()).digest()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read facts; only what `encode` writes is accepted.

        Raises:
            BadFactsError: anything else.
        """
        _hold(len(data) <= MAX_FACTS, N_("they are too long"))
        try:
            items = cast("object", cbor2.loads(data, max_depth=6, allow_indefinite=False))
        except (cbor2.CBORError, ValueError, OverflowError) as error:
            raise BadFactsError(problem=N_("they are not CBOR")) from error
        match items:
            case [int(version), list(cameras), bytes(image)] if version == FORMAT:
                facts = cls(tuple(map(_camera, cast("list[object]", cameras))), image)
            case _:
                raise BadFactsError(problem=N_("they are not facts of format 1"))
        _hold(facts.encode() == data, N_("they are not in canonical form"))
        return facts

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a file of facts as a person or `aigaq station init` writes it.

        Raises:
            BadFactsError: not JSON, or not in the form of the reference page.
        """
        try:
            found = cast("object", json.loads(text))
        except (ValueError, RecursionError) as error:
            raise BadFactsError(problem=N_("they are not JSON")) from error
        match found:
            case {"cameras": list(cameras), **rest} if not rest.keys() - {"image_sha256"}:
                items = sorted((_json_camera(c) for c in cast("list[object]", cameras)), key=lambda c: c.camera)
                facts = cls(tuple(items), _unhex(rest.get("image_sha256", "00" * 32)))
            case _:
                raise BadFactsError(problem=N_("they need a list of cameras, and may have image_sha256"))
        _hold(len(facts.encode()) <= MAX_FACTS, N_("they are too long"))
        return facts

    def to_json(self) -> dict[str, Any]:
        """The facts for a file or a person."""
        cameras = [
            {"camera": c.camera, "mac": c.mac, "frame_sha256": c.frame_sha256.hex(), "masks": c.masks}
            for c in self.cameras
        ]
        return {"cameras": cameras, "image_sha256": self.image_sha256.hex()}


def _camera(items: object) -> CameraFacts:
    match items:
        case [str(camera), str(mac), bytes(frame), list(masks)]:
            return CameraFacts(camera, mac, frame, tuple(map(_mask, cast("list[object]", masks))))
        case _:
            raise BadFactsError(problem=N_("a camera needs id, MAC, reference frame and masks"))


def _json_camera(found: object) -> CameraFacts:
    match found:
        case {"camera": str(camera), "mac": str(mac), "frame_sha256": str(frame), **rest} if not rest.keys() - {
            "masks"
        }:
            return _camera([camera, mac.lower(), _unhex(frame), _rest(rest)])
        case _:
            raise BadFactsError(problem=N_("a camera needs id, MAC, reference frame and masks"))


def _rest(found: Mapping[object, object]) -> object:
    return found.get("masks", [])


def _mask(corners: object) -> Mask:
    if not isinstance(corners, list):
        raise BadFactsError(problem=N_("a mask is not a polygon of three or more corners on the grid"))
    return tuple(map(_corner, cast("list[object]", corners)))


def _corner(found: object) -> tuple[int, int]:
    match found:
        case [x, y] if type(x) is int and type(y) is int:
            return x, y
        case _:
            raise BadFactsError(problem=N_("a mask is not a polygon of three or more corners on the grid"))


def _is_mask(mask: Iterable[tuple[int, int]]) -> bool:
    corners = list(mask)
    return len(corners) >= 3 and all(0 <= value <= GRID for corner in corners for value in corner)


def _unhex(text: object) -> bytes:
    try:
        return bytes.fromhex(text) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _hold(holds: bool, problem: str) -> None:  # noqa: FBT001 - an assertion about the facts
    if not holds:
        raise BadFactsError(problem=problem)
