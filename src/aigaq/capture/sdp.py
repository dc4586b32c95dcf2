"""Session descriptions (RFC 8866) as cameras write them: media, codecs, control addresses.

Owns parsing only. Unknown lines are skipped, wrong numbers make the attribute absent; nothing here can fail.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

MAX_MEDIA: Final = 32
"""More media sections than any camera has; what follows is ignored."""
_STATIC: Final = {0: ("PCMU", 8000), 8: ("PCMA", 8000), 26: ("JPEG", 90000), 33: ("MP2T", 90000)}


@dataclass(frozen=True, slots=True)
class Media:
    """One `m=` section with the codec of its first payload type."""

    kind: str
    payload_type: int
    encoding: str = ""
    """Upper case, for example `H264`; empty if unknown."""
    clock_rate: int = 90_000
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])
    control: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """A whole session description."""

    control: str
    media: tuple[Media, ...]

    def videos(self) -> tuple[Media, ...]:
        """The video sections in their order."""
        return tuple(m for m in self.media if m.kind == "video")

    def audios(self) -> tuple[Media, ...]:
        """The audio sections in their order."""
        return tuple(m for m in self.media if m.kind == "audio")


@dataclass(slots=True)
class _Section:
    kind: str = ""
    payload_type: int = -1
    attributes: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def values(self, name: str) -> Iterator[str]:
        return (value for key, value in self.attributes if key == name)

    def first(self, name: str) -> str:
        return next(self.values(name), "")


def parse_sdp(text: str) -> Description:
    """Read a session description; never fails, what cannot be read is absent."""
    sections = [_Section()]
    for line in text.splitlines():
        key, _, value = line.strip().partition("=")
        if key == "m":
            if len(sections) > MAX_MEDIA:
                break
            sections.append(_section(value))
        elif key == "a":
            name, _, rest = value.partition(":")
            sections[-1].attributes.append((name.strip().lower(), rest.strip()))
    return Description(sections[0].first("control"), tuple(map(_media, sections[1:])))


def _section(value: str) -> _Section:
    """`video 0 RTP/AVP 96` (RFC 8866 §5.14)."""
    words = value.split()
    kind = words[0].lower() if words else ""
    return _Section(kind, _number(words[3], -1) if len(words) > 3 else -1)


def _media(section: _Section) -> Media:
    encoding, rate = _STATIC.get(section.payload_type, ("", 90_000))
    for value in section.values("rtpmap"):
        number, _, codec = value.partition(" ")
        if _number(number, -2) == section.payload_type:
            name, _, rest = codec.strip().partition("/")
            encoding, rate = name.upper(), _number(rest.partition("/")[0], 90_000) or 90_000
    return Media(
        section.kind,
        section.payload_type,
        encoding,
        rate,
        _parameters(section),
        section.first("control"),
    )


def _parameters(section: _Section) -> dict[str, str]:
    """The `fmtp` of the payload type; keys in lower case because cameras disagree."""
    found: dict[str, str] = {}
    for value in section.values("fmtp"):
        number, _, rest = value.partition(" ")
        if _number(number, -2) == section.payload_type:
            pairs = (item.partition("=") for item in rest.split(";"))
            found |= {key.strip().lower(): val.strip() for key, _, val in pairs if key.strip()}
    return found


def _number(text: str, default: int) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else default
