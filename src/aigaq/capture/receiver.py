"""What an RTSP session carries, up to access units: picks the video, unpacks it, keeps the counts. No I/O."""

import base64
import binascii
from collections.abc import Callable
from typing import Final, Protocol

from aigaq.capture.depay import H264, H265, AccessUnit, Depacketizer
from aigaq.capture.errors import NoVideoError, UnsupportedCodecError
from aigaq.capture.parameters import MAX_SET, ParameterSets
from aigaq.capture.rtp import RtpStream, SenderReport
from aigaq.capture.sdp import Description, Media

_MAX_SPROP: Final = 16


class UnitTarget(Protocol):
    """Takes what a source gives, with the box's clocks at its arrival."""

    def begin(self, clock_rate: int) -> None:
        """A new connection begins; its timestamps count so many units per second."""
        ...

    def unit(self, unit: AccessUnit, utc_ns: int, monotonic_ns: int) -> None:
        """A coded picture arrived."""
        ...

    def report(self, report: SenderReport, utc_ns: int) -> None:
        """The camera told its clock."""
        ...


class VideoReceiver:
    """An `rtsp.Receiver` that hands out access units and sender reports."""

    def __init__(self, target: UnitTarget) -> None:
        self.utc_ns = 0
        """When the bytes under way arrived; whoever feeds the client sets it."""
        self.monotonic_ns = 0
        self.description: Description | None = None
        self.stream: RtpStream | None = None
        self._target = target

    def choose(self, description: Description) -> Media:
        """The first video that we can record.

        Raises:
            NoVideoError: there is no video section.
            UnsupportedCodecError: none is H.264 or H.265.
        """
        self.description = description
        videos = description.videos()
        if not videos:
            raise NoVideoError
        media = next((m for m in videos if _supported(m)), None)
        if media is None:
            raise UnsupportedCodecError(codec=videos[0].encoding or f"payload type {videos[0].payload_type}")
        self.stream = RtpStream(depacketizer_for(media, self._unit), media.payload_type)
        self.rtp = self.stream.take
        self._target.begin(media.clock_rate)
        return media

    def _unit(self, unit: AccessUnit) -> None:
        self._target.unit(unit, self.utc_ns, self.monotonic_ns)

    def rtp(self, view: memoryview, position: int, end: int, lead: int) -> int:  # noqa: ARG002 - see below
        """RTP packets; replaced by the stream's own method once there is a stream."""
        return position

    @property
    def playing(self) -> bool:
        """RTP has come."""
        return self.stream is not None and self.stream.received > 0

    def rtcp(self, view: memoryview, start: int, end: int) -> None:
        """One RTCP packet."""
        report = self.stream.rtcp(view, start, end) if self.stream else None
        if report:
            self._target.report(report, self.utc_ns)

    def receiver_report(self) -> bytes:
        """RTCP to send along with a keep-alive."""
        return self.stream.receiver_report() if self.stream else b""


def _supported(media: Media) -> bool:
    """H.264 and H.265, except in the modes that send NAL units out of order (RFC 6184 §6.4, RFC 7798 §7.1)."""
    if media.encoding == "H264":
        return media.parameters.get("packetization-mode", "0") in {"0", "1"}
    return media.encoding == "H265" and media.parameters.get("sprop-max-don-diff", "0") == "0"


def depacketizer_for(media: Media, emit: Callable[[AccessUnit], None]) -> Depacketizer:
    """The depacketizer of a video section, with the parameter sets of its description."""

    def sets(name: str) -> tuple[bytes, ...]:
        words = media.parameters.get(name, "").split(",")[:_MAX_SPROP]
        return tuple(nal for word in words if (nal := _base64(word)))

    if media.encoding == "H265":
        known = ParameterSets("h265", sets("sprop-sps"), sets("sprop-pps"), sets("sprop-vps"))
        return H265(known, emit)
    both = sets("sprop-parameter-sets")
    sps = tuple(n for n in both if n[0] & 31 == 7)
    pps = tuple(n for n in both if n[0] & 31 == 8)
    return H264(ParameterSets("h264", sps, pps), emit)


def _base64(word: str) -> bytes:
    """Parameter set in base64; some cameras leave the padding out."""
    word = word.strip()
    try:
        data = base64.b64decode(word + "=" * (-len(word) % 4))
    except (binascii.Error, ValueError):
        return b""
    return data if len(data) <= MAX_SET else b""
