"""The centre's archive: receives footage, keeps it unchanged, shows it, and proves it. It knows no election rule."""

from aigaq.archive.app import create_asgi
from aigaq.archive.clip import Clip
from aigaq.archive.errors import ArchiveError
from aigaq.archive.logs import LogSetup
from aigaq.archive.model import (
    Alarm,
    CameraState,
    CameraStatus,
    Span,
    SpanState,
    StationStatus,
    StreamKey,
)
from aigaq.archive.pages import create_pages
from aigaq.archive.service import Archive
from aigaq.archive.settings import CenterSettings
from aigaq.archive.setup import NewCenter, center_name, first_policy, init_center, log_origin, open_archive

__all__ = [
    "Alarm",
    "Archive",
    "ArchiveError",
    "CameraState",
    "CameraStatus",
    "CenterSettings",
    "Clip",
    "LogSetup",
    "NewCenter",
    "Span",
    "SpanState",
    "StationStatus",
    "StreamKey",
    "center_name",
    "create_asgi",
    "create_pages",
    "first_policy",
    "init_center",
    "log_origin",
    "open_archive",
]
