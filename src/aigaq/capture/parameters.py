"""Parameter sets of H.264 (ITU-T H.264 §7.3.2.1) and H.265 (ITU-T H.265 §7.3.2.2): what an init segment must know.

Owns reading of an SPS up to what we need. An SPS that lies about its lengths or sizes is refused, never guessed.
"""

from dataclasses import dataclass
from typing import Final, Literal

from aigaq.capture.errors import BadParameterSetsError

Codec = Literal["h264", "h265"]
MAX_SIDE: Final = 16_384
MAX_SET: Final = 4096
"""Bytes of the longest believable parameter set."""
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """The sets that a key frame needs, as received."""

    codec: Codec
    sps: tuple[bytes, ...] = ()
    pps: tuple[bytes, ...] = ()
    vps: tuple[bytes, ...] = ()
    in_band: bool = False
    """They come in the stream itself, not only in the description."""

    @property
    def complete(self) -> bool:
        """Enough to decode."""
        return bool(self.sps and self.pps and (self.vps or self.codec == "h264"))


@dataclass(frozen=True, slots=True)
class Picture:
    """What an SPS tells about the picture."""

    width: int
    height: int
    chroma: int
    luma_bits: int
    chroma_bits: int
    reorder: int | None
    """How many frames may come out of order; None if the SPS does not say."""
    sublayers: int = 1
    nested: int = 0


class _Bits:
    """Bits of a raw byte sequence payload, most significant first."""

    def __init__(self, data: bytes) -> None:
        self._value = int.from_bytes(data, "big")
        self._left = 8 * len(data)

    def u(self, n: int) -> int:
        self._left -= n
        if self._left < 0:
            raise BadParameterSetsError(problem="cut short")
        return (self._value >> self._left) & ((1 << n) - 1)

    def ue(self) -> int:
        """Exp-Golomb (H.264 §9.1)."""
        zeros = 0
        while not self.u(1):
            zeros += 1
            if zeros > 32:
                raise BadParameterSetsError(problem="number out of range")
        return (1 << zeros) - 1 + self.u(zeros)

    def se(self) -> int:
        k = self.ue()
        return (k + 1) // 2 if k & 1 else -(k // 2)


def unescape(nal: bytes) -> bytes:
    """Remove emulation prevention bytes (H.264 §7.4.1.1)."""
    return nal.replace(b"\0\0\3", b"\0\0")


def picture(codec: Codec, sps: bytes) -> Picture:
    """Read an SPS.

    Raises:
        BadParameterSetsError: it is cut short, or its sizes cannot be.
    """
    if len(sps) > MAX_SET:
        raise BadParameterSetsError(problem=f"{len(sps)} bytes long")
    found = _h264(sps) if codec == "h264" else _h265(sps)
    if not (0 < found.width <= MAX_SIDE and 0 < found.height <= MAX_SIDE):
        raise BadParameterSetsError(problem=f"picture of {found.width}×{found.height}")
    if found.chroma > 3 or found.luma_bits > 16 or found.chroma_bits > 16:
        raise BadParameterSetsError(problem="sample format")
    return found


def _h264(sps: bytes) -> Picture:
    bits = _Bits(unescape(sps[1:]))
    profile = bits.u(8)
    bits.u(16)
    bits.ue()
    chroma, luma_bits, chroma_bits, planes = _h264_format(bits) if profile in _HIGH_PROFILES else (1, 8, 8, 0)
    bits.ue()
    order = _h264_order(bits)
    bits.ue()
    bits.u(1)
    width, height = 16 * (bits.ue() + 1), 16 * (bits.ue() + 1)
    frames_only = bits.u(1)
    if not frames_only:
        height *= 2
        bits.u(1)
    bits.u(1)
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        # CropUnitX and CropUnitY, H.264 §7.4.2.1.1
        mono = chroma == 0 or planes
        across = 1 if mono or chroma == 3 else 2
        down = (2 - frames_only) * (2 if chroma == 1 and not mono else 1)
        width -= across * (left + right)
        height -= down * (top + bottom)
    reorder = _h264_usability(bits)
    if profile == 66 or order == 2:
        reorder = 0
    return Picture(width, height, chroma, luma_bits, chroma_bits, reorder)


def _h264_format(bits: _Bits) -> tuple[int, int, int, int]:
    chroma = bits.ue()
    planes = bits.u(1) if chroma == 3 else 0
    luma_bits, chroma_bits = bits.ue() + 8, bits.ue() + 8
    bits.u(1)
    if bits.u(1):
        for i in range(12 if chroma == 3 else 8):
            if bits.u(1):
                _h264_scaling_list(bits, 16 if i < 6 else 64)
    return chroma, luma_bits, chroma_bits, planes


def _h264_scaling_list(bits: _Bits, size: int) -> None:
    last = following = 8
    for _ in range(size):
        if following:
            following = (last + bits.se()) % 256
        last = following or last


def _h264_order(bits: _Bits) -> int:
    """Picture order count type, H.264 §7.3.2.1.1."""
    order = bits.ue()
    if order == 0:
        bits.ue()
    elif order == 1:
        bits.u(1)
        bits.se()
        bits.se()
        cycle = bits.ue()
        if cycle > 255:
            raise BadParameterSetsError(problem="picture order cycle")
        for _ in range(cycle):
            bits.se()
    return order


def _h264_usability(bits: _Bits) -> int | None:
    """Reordering from the VUI (H.264 §E.1.1); cameras write it wrong, so a cut one says nothing."""
    try:
        if bits.u(1):
            _h264_colour(bits)
            if bits.u(1):
                bits.u(65)
            return _h264_reorder(bits)
    except BadParameterSetsError:
        pass
    return None


def _h264_colour(bits: _Bits) -> None:
    """Shape and colour of samples, which the decoder reads itself."""
    if bits.u(1) and bits.u(8) == 255:
        bits.u(32)
    if bits.u(1):
        bits.u(1)
    if bits.u(1):
        bits.u(4)
        if bits.u(1):
            bits.u(24)
    if bits.u(1):
        bits.ue()
        bits.ue()


def _h264_reorder(bits: _Bits) -> int | None:
    """max_num_reorder_frames, if it is there."""
    if any([_h264_hrd(bits), _h264_hrd(bits)]):
        bits.u(1)
    bits.u(1)
    if not bits.u(1):
        return None
    bits.u(1)
    for _ in range(4):
        bits.ue()
    return min(bits.ue(), 16)


def _h264_hrd(bits: _Bits) -> bool:
    if not bits.u(1):
        return False
    count = bits.ue() + 1
    bits.u(8)
    for _ in range(min(count, 32)):
        bits.ue()
        bits.ue()
        bits.u(1)
    bits.u(20)
    return True


def _h265(sps: bytes) -> Picture:
    bits = _Bits(unescape(sps[2:]))
    bits.u(4)
    sublayers = bits.u(3)
    nested = bits.u(1)
    _h265_profile(bits, sublayers)
    bits.ue()
    chroma = bits.ue()
    planes = bits.u(1) if chroma == 3 else 0
    width, height = bits.ue(), bits.ue()
    if bits.u(1):
        left, right, top, bottom = bits.ue(), bits.ue(), bits.ue(), bits.ue()
        # SubWidthC and SubHeightC, H.265 table 6-1
        width -= (2 if chroma in {1, 2} and not planes else 1) * (left + right)
        height -= (2 if chroma == 1 and not planes else 1) * (top + bottom)
    luma_bits, chroma_bits = bits.ue() + 8, bits.ue() + 8
    bits.ue()
    reorder = 0
    for _ in range(sublayers + 1 if bits.u(1) else 1):
        bits.ue()
        reorder = bits.ue()
        bits.ue()
    return Picture(
        width, height, chroma, luma_bits, chroma_bits, min(reorder, 16), sublayers=sublayers + 1, nested=nested
    )


def _h265_profile(bits: _Bits, sublayers: int) -> None:
    """profile_tier_level, H.265 §7.3.3."""
    bits.u(96)
    present = [(bits.u(1), bits.u(1)) for _ in range(sublayers)]
    if sublayers:
        bits.u(2 * (8 - sublayers))
    for profile, level in present:
        bits.u(88 * profile + 8 * level)


def codec_string(sets: ParameterSets) -> str:
    """RFC 6381 name; ISO/IEC 14496-15 annex E for H.265."""
    sps = sets.sps[0]
    if sets.codec == "h264":
        return f"{'avc3' if sets.in_band else 'avc1'}.{sps[1:4].hex()}"
    general = profile_bytes(sps)
    space = ("", "A", "B", "C")[general[0] >> 6]
    compatibility = int(f"{int.from_bytes(general[1:5], 'big'):032b}"[::-1], 2)
    tier = "H" if general[0] & 0x20 else "L"
    constraints = "".join(f".{b:x}" for b in general[5:11].rstrip(b"\0"))
    name = "hev1" if sets.in_band else "hvc1"
    return f"{name}.{space}{general[0] & 31}.{compatibility:x}.{tier}{general[11]}{constraints}"


def profile_bytes(sps: bytes) -> bytes:
    """The 12 bytes of H.265's general profile, tier and level, as they stand in the SPS and in `hvcC`."""
    general = unescape(sps)[3:15]
    if len(general) < 12:
        raise BadParameterSetsError(problem="cut short")
    return general
