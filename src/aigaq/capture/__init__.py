"""From camera to sealed-ready fMP4 parts: our RTSP client, adapters, the camera farm. Knows nothing of elections."""

from aigaq.capture.errors import CaptureError
from aigaq.capture.health import StreamHealth, StreamState
from aigaq.capture.model import TIMESCALE, CameraClock, Init, Part, SegmentEnd, Sink, Source
from aigaq.capture.recorder import Recorder

__all__ = [
    "TIMESCALE",
    "CameraClock",
    "CaptureError",
    "Init",
    "Part",
    "Recorder",
    "SegmentEnd",
    "Sink",
    "Source",
    "StreamHealth",
    "StreamState",
]
