"""From camera to sealed-ready fMP4 parts: our RTSP client, adapters, the camera farm. Knows nothing of elections."""

from aigaq.capture.errors import CaptureError
from aigaq.capture.health import StreamHealth, StreamState
from aigaq.capture.inspection import MAIN, SUB, Contract, Finding, Severity, StreamFacts, StreamReport, inspect
from aigaq.capture.model import TIMESCALE, CameraClock, Init, Part, SegmentEnd, Sink, Source
from aigaq.capture.patch_code import (
    MINUTE_MS,
    Judgement,
    PatchReading,
    expected_bits,
    judge,
    slots_of,
    wrong_bits,
)
from aigaq.capture.recorder import Recorder

__all__ = [
    "MAIN",
    "MINUTE_MS",
    "SUB",
    "TIMESCALE",
    "CameraClock",
    "CaptureError",
    "Contract",
    "Finding",
    "Init",
    "Judgement",
    "Part",
    "PatchReading",
    "Recorder",
    "SegmentEnd",
    "Severity",
    "Sink",
    "Source",
    "StreamFacts",
    "StreamHealth",
    "StreamReport",
    "StreamState",
    "expected_bits",
    "inspect",
    "judge",
    "slots_of",
    "wrong_bits",
]
