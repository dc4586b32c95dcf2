"""The camera farm: serves a video over RTSP as many cameras, and injects the faults that cameras have in the field."""

from aigaq.capture.farm.cli import farm_app
from aigaq.capture.farm.errors import FarmCameraError, FarmFaultError, FarmPortError, FarmVideoError
from aigaq.capture.farm.faults import NO_FAULTS, Faults, parse_faults
from aigaq.capture.farm.patch import Patch, film_patch
from aigaq.capture.farm.server import Farm
from aigaq.capture.farm.video import Video, load_video

__all__ = [
    "NO_FAULTS",
    "Farm",
    "FarmCameraError",
    "FarmFaultError",
    "FarmPortError",
    "FarmVideoError",
    "Faults",
    "Patch",
    "Video",
    "farm_app",
    "film_patch",
    "load_video",
    "parse_faults",
]
