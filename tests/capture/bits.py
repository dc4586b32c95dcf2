"""Writes parameter sets for tests: a bit writer and an SPS with the fields that matter."""

from dataclasses import dataclass, field


@dataclass
class Bits:
    text: str = ""

    def u(self, n: int, value: int) -> "Bits":
        self.text += f"{value:0{n}b}" if n else ""
        return self

    def ue(self, *values: int) -> "Bits":
        for value in values:
            code = f"{value + 1:b}"
            self.text += "0" * (len(code) - 1) + code
        return self

    def se(self, *values: int) -> "Bits":
        return self.ue(*(2 * v - 1 if v > 0 else -2 * v for v in values))

    def payload(self) -> bytes:
        """With stop bit and emulation prevention."""
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        raw = int(text, 2).to_bytes(len(text) // 8, "big")
        out = bytearray()
        zeros = 0
        for byte in raw:
            if zeros == 2 and byte <= 3:
                out.append(3)
                zeros = 0
            zeros = zeros + 1 if byte == 0 else 0
            out.append(byte)
        return bytes(out)


@dataclass
class Sps:
    """An H.264 SPS."""

    profile: int = 77
    mbs: tuple[int, int] = (40, 23)
    crop: tuple[int, int, int, int] = (0, 0, 0, 4)
    frames_only: int = 1
    order: int = 0
    chroma: int = 1
    scaling: bool = False
    reorder: int | None = None
    tick: tuple[int, int] | None = None
    hrd: bool = False
    identity: int = 0

    def nal(self) -> bytes:
        b = Bits().u(8, self.profile).u(8, 0).u(8, 31).ue(self.identity)
        if self.profile == 100:
            b.ue(self.chroma)
            if self.chroma == 3:
                b.u(1, 0)
            b.ue(0, 0).u(1, 0).u(1, int(self.scaling))
            if self.scaling:
                for i in range(12 if self.chroma == 3 else 8):
                    b.u(1, i % 2)
                    if i % 2:
                        b.se(*([1] * (16 if i < 6 else 64)))
        b.ue(0, self.order)
        if self.order == 0:
            b.ue(4)
        elif self.order == 1:
            b.u(1, 0).se(-3, 5).ue(2).se(1, -1)
        b.ue(1).u(1, 0).ue(self.mbs[0] - 1, self.mbs[1] - 1).u(1, self.frames_only)
        if not self.frames_only:
            b.u(1, 0)
        b.u(1, 1).u(1, int(any(self.crop)))
        if any(self.crop):
            b.ue(*self.crop)
        self._usability(b)
        return b"\x67" + b.payload()

    def _usability(self, b: Bits) -> None:
        said = self.reorder is not None or self.tick is not None
        b.u(1, int(said))
        if not said:
            return
        b.u(1, 1).u(8, 255).u(32, 0x10001).u(1, 1).u(1, 0).u(1, 1).u(4, 5).u(1, 1).u(24, 0x010101).u(1, 1).ue(0, 0)
        b.u(1, int(self.tick is not None))
        if self.tick is not None:
            b.u(32, self.tick[0]).u(32, self.tick[1]).u(1, 1)
        for _ in range(2):
            b.u(1, int(self.hrd))
            if self.hrd:
                b.ue(0).u(8, 0).ue(1000, 2000).u(1, 0).u(20, 0)
        if self.hrd:
            b.u(1, 0)
        b.u(1, 0).u(1, int(self.reorder is not None))
        if self.reorder is not None:
            b.u(1, 1).ue(0, 0, 10, 10, self.reorder, 4)


@dataclass
class Sps265:
    """An H.265 SPS."""

    width: int = 640
    height: int = 360
    crop: tuple[int, int, int, int] = (0, 0, 0, 0)
    sublayers: int = 0
    present: tuple[tuple[int, int], ...] = ()
    reorder: int = 0
    bits: tuple[int, int] = field(default=(0, 0))

    def nal(self) -> bytes:
        b = Bits().u(4, 0).u(3, self.sublayers).u(1, 1)
        b.u(8, 0x01).u(32, 0x60000000).u(48, 0x900000000000).u(8, 93)
        flags = (self.present + ((0, 0),) * 8)[: self.sublayers]
        for profile, level in flags:
            b.u(1, profile).u(1, level)
        if self.sublayers:
            b.u(2 * (8 - self.sublayers), 0)
        for profile, level in flags:
            b.u(88 * profile, 0).u(8 * level, 0)
        b.ue(0, 1, self.width, self.height).u(1, int(any(self.crop)))
        if any(self.crop):
            b.ue(*self.crop)
        b.ue(*self.bits, 4).u(1, 0).ue(3, self.reorder, 0)
        return b"\x42\x01" + b.payload()
