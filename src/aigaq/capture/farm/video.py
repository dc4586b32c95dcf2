"""A video as a camera holds it: access units cut into RTP packets once, with their times. Demuxed, never transcoded."""

import base64
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError
from av.stream import Stream
from av.video.stream import VideoStream

from aigaq.capture.farm.errors import FarmVideoError
from aigaq.capture.farm.nal import (
    VideoCodec,
    is_key,
    is_parameter_set,
    nal_type,
    read_extradata,
    split_annex_b,
    split_lengths,
)
from aigaq.capture.farm.packets import Packets, aac_payload, frame_packets, video_payloads

CLOCK: Final = 90_000
"""Ticks per second of all times here, and of video RTP timestamps (RFC 6184 §8.2.1)."""
MAX_FRAMES: Final = 500_000
AudioCodec = Literal["aac", "pcma", "pcmu"]
_VIDEO: Final[dict[str, VideoCodec]] = {"h264": "h264", "hevc": "h265"}
_AUDIO: Final[dict[str, AudioCodec]] = {"aac": "aac", "pcm_alaw": "pcma", "pcm_mulaw": "pcmu"}


class _Unit(NamedTuple):
    at: int
    stamp: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Frame:
    """One access unit, ready to send. `at` and `stamp` count from the start of the loop, in ticks of 1/90,000 s."""

    at: int
    """When it is sent (decoding order)."""
    stamp: int
    """When it is shown; differs from `at` with B-frames."""
    key: bool
    packets: Packets
    bare: Packets
    """The same without parameter sets."""


@dataclass(frozen=True, slots=True)
class Track:
    """One stream of a video with what the SDP says about it."""

    kind: Literal["video", "audio"]
    rate: int
    """RTP clock, Hz."""
    payload_type: int
    rtpmap: str
    fmtp: str
    sprop: str
    """The part of the format parameters that carries the parameter sets."""
    frames: tuple[Frame, ...]


@dataclass(frozen=True)
class Video:
    """A loop of `length` ticks."""

    codec: VideoCodec
    width: int
    height: int
    length: int
    tracks: tuple[Track, ...]

    @cached_property
    def keys(self) -> tuple[int, ...]:
        """Numbers of the key frames of the video track."""
        return tuple(n for n, frame in enumerate(self.tracks[0].frames) if frame.key)

    @property
    def seconds(self) -> float:
        """Length of the loop."""
        return self.length / CLOCK


def load_video(source: Path | str | bytes, *, audio: bool = False) -> Video:
    """Read a file, or a file's bytes, into a loop of packets; `audio` adds an AAC or G.711 track.

    Raises:
        FarmVideoError: it cannot be read, or has no H.264 or H.265 track, or no key frame.
    """
    where = "video bytes" if isinstance(source, bytes) else str(source)
    try:
        with av.open(io.BytesIO(source) if isinstance(source, bytes) else str(source), "r") as container:
            if not container.streams.video:
                raise FarmVideoError(where, problem="it has no video track")
            streams: list[Stream] = [container.streams.video[0]]
            streams += container.streams.audio[:1] if audio else []
            units: dict[int, list[_Unit]] = {s.index: [] for s in streams}
            for packet in container.demux(streams):
                if packet.size and packet.dts is not None and len(units[packet.stream.index]) < MAX_FRAMES:
                    pts = packet.dts if packet.pts is None else packet.pts
                    base = packet.time_base
                    unit = _Unit(round(packet.dts * base * CLOCK), round(pts * base * CLOCK), bytes(packet))
                    units[packet.stream.index].append(unit)
            return _video(streams, [units[s.index] for s in streams], where)
    except (FFmpegError, OSError) as error:
        raise FarmVideoError(where, problem=error.strerror or str(error)) from error


def _video(streams: Sequence[Stream], units: Sequence[list[_Unit]], where: str) -> Video:
    stream = streams[0]
    codec = _VIDEO.get(stream.codec_context.name)
    if codec is None or not isinstance(stream, VideoStream):
        raise FarmVideoError(where, problem=f"its codec is {stream.codec_context.name}")
    length_size, sets = read_extradata(codec, stream.codec_context.extradata or b"")
    pictures = [(u, _nals(u.data, length_size)) for u in units[0]]
    start = next((n for n, (_, nals) in enumerate(pictures) if any(is_key(codec, nal) for nal in nals)), None)
    if start is None or len(pictures) - start < 2:
        raise FarmVideoError(where, problem="it has no key frame with another frame after it")
    pictures = pictures[start:]
    sets = sets or [nal for nal in pictures[0][1] if is_parameter_set(codec, nal)]
    if not any(nal_type(codec, nal) in (7, 33) for nal in sets):
        raise FarmVideoError(where, problem="it has no sequence parameter set")
    origin, last = pictures[0][0].at, pictures[-1][0].at
    length = round(Fraction((last - origin) * len(pictures), len(pictures) - 1))
    track = _video_track(codec, sets, pictures)
    others = [_audio_track(s, u, origin, length) for s, u in zip(streams[1:], units[1:], strict=True)]
    return Video(codec, stream.width, stream.height, length, (track, *(t for t in others if t)))


def _nals(data: bytes, length_size: int) -> list[bytes]:
    return split_lengths(data, length_size) if length_size else split_annex_b(data)


def _video_track(codec: VideoCodec, sets: list[bytes], pictures: list[tuple[_Unit, list[bytes]]]) -> Track:
    origin = pictures[0][0].at
    lowest = min(unit.stamp - unit.at for unit, _ in pictures) + origin
    frames = tuple(_frame(codec, n, sets, at=u.at - origin, stamp=u.stamp - lowest) for u, n in pictures)
    if codec == "h264":
        sps = next(s for s in sets if nal_type(codec, s) == 7)
        fmtp = f"packetization-mode=1;profile-level-id={sps[1:4].hex().upper()}"
        sprop = "sprop-parameter-sets=" + ",".join(map(_base64, sets))
        return Track("video", CLOCK, 96, "H264/90000", fmtp, sprop, frames)
    names = {32: "sprop-vps", 33: "sprop-sps", 34: "sprop-pps"}
    sprop = ";".join(f"{names[nal_type(codec, s)]}={_base64(s)}" for s in sets)
    return Track("video", CLOCK, 96, "H265/90000", "", sprop, frames)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _frame(codec: VideoCodec, nals: list[bytes], sets: list[bytes], *, at: int, stamp: int) -> Frame:
    key = any(is_key(codec, nal) for nal in nals)
    carries = any(is_parameter_set(codec, nal) for nal in nals)
    if not key and not carries:
        packets = frame_packets(video_payloads(codec, nals), 96)
        return Frame(at, stamp, key, packets, packets)
    bare = [nal for nal in nals if not is_parameter_set(codec, nal)]
    full = nals if carries else _with_sets(codec, bare, sets)
    return Frame(
        at, stamp, key, frame_packets(video_payloads(codec, full), 96), frame_packets(video_payloads(codec, bare), 96)
    )


def _with_sets(codec: VideoCodec, nals: list[bytes], sets: list[bytes]) -> list[bytes]:
    """Parameter sets come after the access unit delimiter (H.264 §7.4.1.2.3, H.265 §7.4.2.4.4)."""
    delimited = 1 if nals and nal_type(codec, nals[0]) == (9 if codec == "h264" else 35) else 0
    return [*nals[:delimited], *sets, *nals[delimited:]]


def _audio_track(stream: Stream, units: list[_Unit], origin: int, length: int) -> Track | None:
    codec = _AUDIO.get(stream.codec_context.name)
    if codec is None or not isinstance(stream, AudioStream):
        return None
    pieces = ((u.stamp - origin, u.data) for u in units)
    made = [(at, aac_payload(d)) for at, d in pieces] if codec == "aac" else list(_g711(pieces, stream.rate))
    payload_type = {"aac": 97, "pcma": 8, "pcmu": 0}[codec]
    wires = [(at, frame_packets([payload], payload_type)) for at, payload in made if 0 <= at < length]
    frames = tuple(Frame(at, at, key=True, packets=wire, bare=wire) for at, wire in wires)
    if not frames:
        return None
    if codec == "aac":
        config = (stream.codec_context.extradata or b"").hex().upper()
        sizes = "sizelength=13;indexlength=3;indexdeltalength=3"
        fmtp = f"streamtype=5;profile-level-id=1;mode=AAC-hbr;{sizes};config={config}"
        rtpmap = f"MPEG4-GENERIC/{stream.rate}/{stream.channels}"
        return Track("audio", stream.rate, 97, rtpmap, fmtp, "", frames)
    return Track("audio", stream.rate, payload_type, f"{codec.upper()}/{stream.rate}", "", "", frames)


def _g711(units: Iterable[tuple[int, bytes]], rate: int) -> Iterator[tuple[int, bytes]]:
    """Pieces of 20 ms, one byte per sample, as cameras send them (RFC 3551 §4.5.14)."""
    step = rate // 50
    for start, unit in units:
        for at in range(0, len(unit), step):
            yield start + at * CLOCK // rate, unit[at : at + step]
