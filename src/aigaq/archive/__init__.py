"""The centre's archive: receives footage, keeps it unchanged, shows it, and proves it. It knows no election rule."""

from aigaq.archive.app import create_asgi
from aigaq.archive.clip import Clip
from aigaq.archive.enrolment import Enrolment, trust_file
from aigaq.archive.errors import ArchiveError
from aigaq.archive.model import (
    CameraState,
    CameraStatus,
    Span,
    SpanState,
    StationStatus,
    StreamKey,
)
from aigaq.archive.pages import create_pages
from aigaq.archive.service import Archive

__all__ = [
    "Archive",
    "ArchiveError",
    "CameraState",
    "CameraStatus",
    "Clip",
    "Enrolment",
    "Span",
    "SpanState",
    "StationStatus",
    "StreamKey",
    "create_asgi",
    "create_pages",
    "trust_file",
]
