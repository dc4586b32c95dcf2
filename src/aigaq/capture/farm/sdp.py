"""What a camera says about itself (RFC 8866), true or lying."""

from typing import Final

from aigaq.capture.farm.faults import Faults
from aigaq.capture.farm.video import CLOCK, Track, Video

_AUDIO_ONLY: Final = ("m=audio 0 RTP/AVP 8", "a=rtpmap:8 PCMA/8000", "a=control:trackID=9")
_GARBAGE: Final = b"v=0\r\nm=video\r\na=fmtp\r\nm=\x00\xff\r\na=rtpmap:96\r\n=\r\n"


def describe(name: str, video: Video, faults: Faults) -> bytes:
    """The SDP of a camera."""
    if faults.sdp == "garbage":
        return _GARBAGE
    lines = [
        "v=0",
        "o=- 1 1 IN IP4 127.0.0.1",
        f"s={name}",
        "c=IN IP4 0.0.0.0",
        "t=0 0",
        "a=control:*",
        "a=range:npt=now-",
    ]
    if faults.sdp == "audio_only":
        lines += _AUDIO_ONLY
    else:
        for number, track in enumerate(video.tracks):
            lines += _media(number, track, video, faults)
    return "\r\n".join([*lines, ""]).encode()


def _media(number: int, track: Track, video: Video, faults: Faults) -> list[str]:
    pt = track.payload_type
    unknown = faults.sdp == "unknown_codec" and track.kind == "video"
    formats = [track.fmtp] if track.fmtp else []
    formats += [track.sprop] if track.sprop and faults.sprop else []
    lines = [f"m={track.kind} 0 RTP/AVP {pt}", f"a=rtpmap:{pt} {'VP9/90000' if unknown else track.rtpmap}"]
    if formats and not unknown:
        lines.append(f"a=fmtp:{pt} {';'.join(formats)}")
    if track.kind == "video":
        lines.append(f"a=framerate:{len(track.frames) * CLOCK / video.length:g}")
    return [*lines, f"a=control:trackID={number}"]
