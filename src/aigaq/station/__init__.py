"""The box at the polling station: journal, spool, seals, upload, health. It knows no page of the centre."""

from aigaq.station.agent import StationAgent
from aigaq.station.errors import StationError
from aigaq.station.settings import StationSettings, load_station

__all__ = ["StationAgent", "StationError", "StationSettings", "load_station"]
