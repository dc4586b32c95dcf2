"""How a camera misbehaves: one frozen value, one field per fault seen in the field. No fault is on by default."""

import types
import typing
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Final, Literal

from aigaq.capture.farm.errors import FarmFaultError
from aigaq.capture.farm.video import Video

Auth = Literal["md5", "md5-qop", "sha256", "basic", "any"]
SdpLie = Literal["true", "audio_only", "unknown_codec", "garbage"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """The faults of one camera; may be changed while it plays. All times are seconds."""

    # Time
    stamp_rate: float = 1.0
    """Media seconds stamped for each second that passes: 0.96 stamps 25 frames and sends 24."""
    ntp_offset: float = 0.0
    """How far the camera's clock in sender reports is ahead of the farm's; change it live to make a step."""
    report_every: float = 3.0
    """Between RTCP sender reports; 0 sends none."""
    first_timestamp: int | None = None
    """RTP timestamp of a session's first frame: near 2^32 it wraps soon. Random when None."""
    first_sequence: int | None = None
    """RTP sequence number of a session's first packet: near 2^16 it wraps soon. Random when None."""
    outlier_every: int = 0
    """Each n-th frame is stamped `outlier_by` away; 0 never."""
    outlier_by: float = 5 * 3600.0

    # Delivery
    freeze: bool = False
    """The connection stays open and requests are answered, but no RTP comes."""
    stall: bool = False
    """The camera neither reads nor writes; the connection stays open."""
    loss: float = 0.0
    """Ratio of RTP packets that are numbered but never sent."""
    seed: int = 0
    """Of the random choices of `loss` and `garbage`."""
    garbage: float = 0.0
    """Chance before each frame that bytes which are neither RTP nor RTSP are sent."""
    drop_after: float = 0.0
    """The connection is cut this long after PLAY; 0 never."""
    no_idr_for: float = 0.0
    """No key frame for this long after PLAY."""

    # Codec
    in_band: bool = True
    """Send the parameter sets before each key frame."""
    sprop: bool = True
    """Name the parameter sets in the SDP."""
    alternate: Video | None = None
    """Another video with the same rate and key frames: every `alternate_gops` the camera changes between the two."""
    alternate_gops: int = 1
    sdp: SdpLie = "true"

    # Personality
    auth: Auth = "md5"
    nonce_uses: int = 0
    """After this many requests a nonce is stale; 0 never."""
    refuse: int = 0
    """Answer every DESCRIBE with this status: 401, 404, 503…"""
    session_timeout: int = 60
    """Announced in SETUP and kept: silence for longer closes the session."""
    get_parameter: int = 200
    """Status of answers to GET_PARAMETER; 0 never answers."""
    set_parameter: int = 200
    cseq_offset: int = 0
    """Added to CSeq in answers while playing."""
    stray_reply_every: float = 0.0
    """Between RTSP replies that nobody asked for; 0 never."""


NO_FAULTS: Final = Faults()
_LIMITS: Final[dict[str, tuple[float, float]]] = {
    "stamp_rate": (0.01, 100),
    "loss": (0, 1),
    "garbage": (0, 1),
    "alternate_gops": (1, 1_000_000),
    "session_timeout": (1, 86_400),
    "first_timestamp": (0, 2**32 - 1),
    "first_sequence": (0, 2**16 - 1),
    "ntp_offset": (-1e9, 1e9),
    "outlier_by": (-1e6, 1e6),
    "cseq_offset": (-1_000_000, 1_000_000),
}
_SIGNED_FREE: Final = (0.0, 1e9)


def parse_faults(words: Iterable[str], *, base: Faults = NO_FAULTS) -> Faults:
    """Faults from `name=value` words; a switch may stand without a value.

    Raises:
        FarmFaultError: a name is unknown, or a value has the wrong type or is out of range.
    """
    hints = typing.get_type_hints(Faults)
    known = {f.name for f in fields(Faults)} - {"alternate"}
    values: dict[str, object] = {}
    for word in words:
        name, _, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if name not in known:
            raise FarmFaultError(word, problem=f"{name!r} is not one of {', '.join(sorted(known))}")
        values[name] = _value(name, hints[name], text.strip())
    return replace(base, **values)


def _value(name: str, hint: object, text: str) -> object:
    if typing.get_origin(hint) is Literal:
        return _choice(name, text, typing.get_args(hint))
    if hint is bool:
        return _choice(name, text or "true", ("true", "false")) == "true"
    try:
        number = float(text) if hint is float else int(text)
    except ValueError as error:
        kind = "a number" if hint is float else "a whole number"
        raise FarmFaultError(f"{name}={text}", problem=f"{name} takes {kind}") from error
    low, high = _LIMITS.get(name, _SIGNED_FREE)
    if not low <= number <= high:
        raise FarmFaultError(f"{name}={text}", problem=f"{name} lies between {low:g} and {high:g}")
    return number


def _choice(name: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise FarmFaultError(f"{name}={text}", problem=f"{name} is one of {', '.join(choices)}")
    return text


def kind_of(name: str) -> str:
    """What values a fault takes, for help texts."""
    hint = typing.get_type_hints(Faults)[name]
    if typing.get_origin(hint) is Literal:
        return "|".join(typing.get_args(hint))
    if isinstance(hint, types.UnionType):
        return "int"
    return str(hint.__name__)
