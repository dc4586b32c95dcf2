"""Looks things up in the register in the archive's own words: a box and a reader learn the same code."""

from aigaq import election
from aigaq.archive.errors import UnknownCameraError, UnknownStationError
from aigaq.election import Camera, PollingStation, Register


def station_of(register: Register, station: str) -> PollingStation:
    """The polling station with this id.

    Raises:
        UnknownStationError: there is none.
    """
    try:
        return register.station(station)
    except election.UnknownStationError as error:
        raise UnknownStationError(station, station=station) from error


def camera_of(register: Register, station: str, camera: str) -> Camera:
    """A camera of a station.

    Raises:
        UnknownStationError: there is no such station.
        UnknownCameraError: it has no such camera.
    """
    for found in station_of(register, station).cameras:
        if found.id == camera:
            return found
    raise UnknownCameraError(f"{station}/{camera}", station=station, camera=camera)
