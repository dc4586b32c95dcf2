"""What every room may stand on: errors, clock, texts, settings. It knows no room above it."""

from aigaq.base.clock import Clock, ManualClock, SystemClock, from_ms, utc_ms
from aigaq.base.compute import Done, Failed, Job, Progress, derivation_key, derive
from aigaq.base.errors import AigaqError, Explanation, error_classes
from aigaq.base.i18n import DEFAULT_LANGUAGE, LANGUAGES, N_, Language, as_language, fill, translate, translate_plural
from aigaq.base.settings import Settings, SettingsError, load_settings
from aigaq.base.zones import UnknownTimeZoneError, time_zone, time_zone_names

__all__ = [
    "DEFAULT_LANGUAGE",
    "LANGUAGES",
    "N_",
    "AigaqError",
    "Clock",
    "Done",
    "Explanation",
    "Failed",
    "Job",
    "Language",
    "ManualClock",
    "Progress",
    "Settings",
    "SettingsError",
    "SystemClock",
    "UnknownTimeZoneError",
    "as_language",
    "derivation_key",
    "derive",
    "error_classes",
    "fill",
    "from_ms",
    "load_settings",
    "time_zone",
    "time_zone_names",
    "translate",
    "translate_plural",
    "utc_ms",
]
