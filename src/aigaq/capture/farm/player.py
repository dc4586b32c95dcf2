"""What one client of one camera is sent, and when: a pure schedule from the farm's clock to RTP and RTCP bytes."""

import secrets
from collections import Counter
from dataclasses import dataclass, field
from random import Random
from struct import Struct
from typing import Final

from aigaq.capture.farm.faults import NO_FAULTS, Faults
from aigaq.capture.farm.patch import HALF_GOP_MS, Patch
from aigaq.capture.farm.video import CLOCK, Frame, Track, Video

LATE: Final = 5 * CLOCK
"""A schedule that fell further behind (the process was suspended) goes on from now instead of catching up."""
_NTP_EPOCH: Final = 2_208_988_800
_REPORT: Final = Struct(">BBHBBHIIIIII")


def ticks(ns: int) -> int:
    """Nanoseconds as ticks of 1/90,000 s."""
    return ns * 9 // 100_000


@dataclass(slots=True)
class StampClock:
    """The clock that a camera stamps with; its rate may be changed without a jump."""

    rate: float = 1.0
    _at: int = 0
    _stamp: int = 0

    def stamp(self, at: int) -> int:
        """The stamp of a media time."""
        return self._stamp + round((at - self._at) * self.rate)

    def set_rate(self, rate: float, at: int) -> None:
        """From this media time on, stamp faster or slower."""
        self._stamp, self._at, self.rate = self.stamp(at), at, rate


@dataclass(slots=True)
class Camera:
    """One camera: its loop, its faults, its clock. All its clients see the same moment."""

    name: str
    video: Video
    username: str
    password: str
    phase: int
    """Ticks by which its frames come late."""
    aligned: bool
    faults: Faults = NO_FAULTS
    patch: Patch | None = None
    origin: int | None = None
    """Monotonic nanoseconds at which its loop began; None while nobody watches."""
    clock: StampClock = field(default_factory=StampClock)
    counts: Counter[str] = field(default_factory=Counter[str])

    def media_time(self, monotonic_ns: int) -> int:
        """Ticks since the loop began."""
        return ticks(monotonic_ns - (monotonic_ns if self.origin is None else self.origin)) - self.phase

    def wake(self, monotonic_ns: int, utc_ns: int) -> None:
        """Begin the loop, at its start or where wall time says."""
        into = ticks(utc_ns) % self.video.length if self.aligned else 0
        self.origin = monotonic_ns - into * 100_000 // 9
        self.clock = StampClock(self.faults.stamp_rate)


class Lane:
    """One track on its way to one client."""

    def __init__(self, track: Track, channel: int, camera: Camera, *, start: int) -> None:
        self.track = track
        self.channel = channel
        self._camera = camera
        self._length = camera.video.length
        self.cursor = self._first(start)
        self.ssrc = secrets.randbits(32)
        faults = camera.faults
        first = secrets.randbits(32) if faults.first_timestamp is None else faults.first_timestamp
        self._base = first - self._rtp(self.stamp(self.cursor))
        self.sequence = secrets.randbits(16) if faults.first_sequence is None else faults.first_sequence
        self.packets = 0
        self.octets = 0

    def _first(self, start: int) -> int:
        """The first frame not before `start`, and a key frame unless the camera withholds those."""
        any_frame = self.track.kind == "audio" or self._camera.faults.no_idr_for > 0
        loop = max(0, start // self._length)
        numbers = range(len(self.track.frames)) if any_frame else self._camera.video.keys
        count = len(self.track.frames)
        found = (n for n in numbers if loop * self._length + self.track.frames[n].at >= start)
        return loop * count + next(found, numbers[0] + count)

    def due(self, cursor: int) -> int:
        """Media time at which a frame is sent."""
        loop, number = divmod(cursor, len(self.track.frames))
        return loop * self._length + self.track.frames[number].at

    def stamp(self, cursor: int) -> int:
        """Media time at which a frame is shown."""
        loop, number = divmod(cursor, len(self.track.frames))
        return loop * self._length + self.track.frames[number].stamp

    def _rtp(self, at: int) -> int:
        return self._camera.clock.stamp(at) * self.track.rate // CLOCK

    def timestamp(self, at: int) -> int:
        """RTP timestamp of a media time, by the camera's clock."""
        return (self._base + self._rtp(at)) & 0xFFFFFFFF


class Player:
    """The schedule of one client."""

    def __init__(self, camera: Camera, channels: dict[int, int], *, monotonic_ns: int) -> None:
        self.camera = camera
        self.started_ns = monotonic_ns
        start = camera.media_time(monotonic_ns)
        tracks = camera.video.tracks
        self.lanes = [Lane(tracks[n], channel, camera, start=start) for n, channel in sorted(channels.items())]
        self._dice = Random(camera.faults.seed)  # noqa: S311 - repeatable faults, not secrets
        self._report_at = start
        self._stray_at = start
        self._other = False
        self._gops = 0
        self._lit = False
        self._wall_ms = 0
        """UTC of media time 0."""

    def seconds(self, monotonic_ns: int) -> float:
        """Since PLAY."""
        return (monotonic_ns - self.started_ns) / 1e9

    def take(self, monotonic_ns: int, utc_ns: int) -> list[bytes | bytearray]:
        """Everything due by now."""
        now = self.camera.media_time(monotonic_ns)
        if self.camera.faults.freeze or self.camera.faults.stall:
            self.skip(monotonic_ns)
            return []
        chunks: list[bytes | bytearray] = self._reports(now, utc_ns)
        self._wall_ms = utc_ns // 1_000_000 - (now + self.camera.phase) * 1000 // CLOCK
        for lane in self.lanes:
            if lane.due(lane.cursor) < now - LATE:
                lane.cursor = _ahead(lane, now)
            while lane.due(lane.cursor) <= now:
                self._frame(lane, chunks, monotonic_ns)
                lane.cursor += 1
        return chunks

    def skip(self, monotonic_ns: int) -> None:
        """Let the time pass without packets."""
        now = self.camera.media_time(monotonic_ns)
        for lane in self.lanes:
            if lane.due(lane.cursor) <= now:
                lane.cursor = _ahead(lane, now)

    def _frame(self, lane: Lane, chunks: list[bytes | bytearray], monotonic_ns: int) -> None:
        faults = self.camera.faults
        frame = lane.track.frames[lane.cursor % len(lane.track.frames)]
        if lane.track.kind == "video":
            if frame.key and self.seconds(monotonic_ns) < faults.no_idr_for:
                return
            frame = self._choose(frame, lane)
        packets = frame.packets if faults.in_band else frame.bare
        stamp = lane.timestamp(lane.stamp(lane.cursor))
        if faults.outlier_every and lane.cursor % faults.outlier_every == faults.outlier_every - 1:
            stamp = (stamp + round(faults.outlier_by * lane.track.rate)) & 0xFFFFFFFF
        wire = packets.sent(channel=lane.channel, sequence=lane.sequence, timestamp=stamp, ssrc=lane.ssrc)
        lane.sequence = (lane.sequence + len(packets.starts)) & 0xFFFF
        lane.packets += len(packets.starts)
        lane.octets += packets.octets
        counts = self.camera.counts
        if faults.loss:
            wire, lost = packets.with_loss(wire, faults.loss, self._dice)
            counts["lost"] += lost
        if faults.garbage and self._dice.random() < faults.garbage:
            chunks.append(self._dice.randbytes(self._dice.randint(1, 64)))
        counts["frames"] += 1
        counts["packets"] += len(packets.starts)
        chunks.append(wire)

    def _choose(self, frame: Frame, lane: Lane) -> Frame:
        """The frame, or the one at its place in the other video; the change comes where both have a key frame."""
        faults = self.camera.faults
        if faults.alternate is None:
            self._other = False
            return self._blink(frame, lane)
        twins = faults.alternate.tracks[0].frames
        twin = twins[lane.cursor % len(twins)]
        if frame.key and twin.key:
            self._gops += 1
            if self._gops > faults.alternate_gops:
                self._other, self._gops = not self._other, 1
        return twin if self._other else frame

    def _blink(self, frame: Frame, lane: Lane) -> Frame:
        """The frame, or the same with the screen lit."""
        patch = self.camera.patch
        if patch is None:
            return frame
        if frame.key:
            self._lit = patch.bright(self._wall_ms + lane.due(lane.cursor) * 1000 // CLOCK + HALF_GOP_MS)
        frames = patch.lit.tracks[0].frames
        return frames[lane.cursor % len(frames)] if self._lit else frame

    def _reports(self, now: int, utc_ns: int) -> list[bytes | bytearray]:
        faults = self.camera.faults
        chunks: list[bytes | bytearray] = []
        if faults.report_every and now >= self._report_at:
            self._report_at = now + round(faults.report_every * CLOCK)
            ntp = utc_ns + round(faults.ntp_offset * 1e9)
            chunks += [_report(lane, now, ntp) for lane in self.lanes]
        if faults.stray_reply_every and now >= self._stray_at:
            self._stray_at = now + round(faults.stray_reply_every * CLOCK)
            chunks.append(b"RTSP/1.0 200 OK\r\nCSeq: 4000000\r\nSession: stray\r\n\r\n")
        return chunks


def _ahead(lane: Lane, now: int) -> int:
    """The first frame that is not yet due."""
    count = len(lane.track.frames)
    cursor = max(lane.cursor, now // lane.due(count) * count if now > 0 else 0)
    while lane.due(cursor) <= now:
        cursor += 1
    return cursor


def _report(lane: Lane, now: int, ntp_ns: int) -> bytes:
    """An RTCP sender report (RFC 3550 §6.4.1) on the channel beside the media."""
    seconds, rest = divmod(ntp_ns, 1_000_000_000)
    return _REPORT.pack(
        0x24,
        lane.channel + 1,
        28,
        0x80,
        200,
        6,
        lane.ssrc,
        (seconds + _NTP_EPOCH) & 0xFFFFFFFF,
        (rest << 32) // 1_000_000_000,
        lane.timestamp(now),
        lane.packets & 0xFFFFFFFF,
        lane.octets & 0xFFFFFFFF,
    )
