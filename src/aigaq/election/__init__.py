"""The register: election, territories, polling stations, zones, cameras and ballot styles."""

from aigaq.election.ballots import BallotChoice, BallotStyle, Box, style_toml
from aigaq.election.errors import (
    FolderInUseError,
    NoRegisterError,
    NotSavedError,
    RegisterDamagedError,
    RegisterError,
    UnknownCameraError,
    UnknownStationError,
    UnknownTerritoryError,
)
from aigaq.election.example import coming_sunday, example_register
from aigaq.election.model import (
    ID_PATTERN,
    Area,
    Camera,
    DutyWindow,
    Election,
    Names,
    PollingStation,
    StationKind,
    Territory,
    Zone,
)
from aigaq.election.problems import Problem, Reason
from aigaq.election.register import Register, StationPage
from aigaq.election.store import load_register, save_register
from aigaq.election.writing import write_register

__all__ = [
    "ID_PATTERN",
    "Area",
    "BallotChoice",
    "BallotStyle",
    "Box",
    "Camera",
    "DutyWindow",
    "Election",
    "FolderInUseError",
    "Names",
    "NoRegisterError",
    "NotSavedError",
    "PollingStation",
    "Problem",
    "Reason",
    "Register",
    "RegisterDamagedError",
    "RegisterError",
    "StationKind",
    "StationPage",
    "Territory",
    "UnknownCameraError",
    "UnknownStationError",
    "UnknownTerritoryError",
    "Zone",
    "coming_sunday",
    "example_register",
    "load_register",
    "save_register",
    "style_toml",
    "write_register",
]
