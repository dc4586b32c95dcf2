"""Settings of one box: `station.toml`. Passwords stay in these objects and reach only the cameras."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

from pydantic import AwareDatetime, Field, PositiveFloat, PositiveInt, SecretStr, field_validator, model_validator

from aigaq.base import Settings, SettingsError, load_settings
from aigaq.capture import Source
from aigaq.election import Zone

Id = Annotated[str, Field(pattern=r"^[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?$")]


class StationSection(Settings):
    """Who this box is and where it keeps everything."""

    election: Id
    id: Id
    data: Path
    log_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
    identity: Path | None = None
    """The identity key; `identity.key` in the data folder unless it is named."""


class CenterSection(Settings):
    """Where footage is sent, and whose receipts count."""

    url: str
    vkey: str
    trust: Path | None = None
    """The trust file (tlog-policy) with the log's key and its witnesses; without it records carry no beacon."""

    @field_validator("url")
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError("not an http or https address without query")
        return url.rstrip("/")


class OpticalSection(Settings):
    """Where the page with the blinking patch is served; without this section it is not."""

    listen: str

    @field_validator("listen")
    @classmethod
    def _is_address(cls, listen: str) -> str:
        parts = urlsplit(f"//{listen}")
        if listen.count("/") or not parts.hostname or parts.port is None:
            raise ValueError("not an address and a port, such as 127.0.0.1:8090")
        return listen


class DutySection(Settings):
    """When footage is owed; without it, always."""

    start: AwareDatetime | None = None
    end: AwareDatetime | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start and self.end and self.end <= self.start:
            raise ValueError("end is not after start")
        return self


class LimitsSection(Settings):
    """What the box may use, and when it warns."""

    min_free_hours: Annotated[float, Field(ge=0)] = 2
    """Duty does not start with room for less footage."""
    main_mbps: PositiveFloat = 4
    sub_mbps: PositiveFloat = 0.3
    """Expected bit rates of one camera, for reckoning hours."""
    uplink_mbps: PositiveFloat | None = None
    """The whole uplink; the live lane takes its share first. Without it, as fast as the network goes."""
    reserve_mb: PositiveInt = 64
    """Kept free for the journal: with less room footage becomes a signed gap."""
    backlog_mb: PositiveInt = 64
    """Footage that may wait in memory for a slow disk."""
    sync_parts: bool = False
    """Also have each half second on disk for good at once: a power cut then costs 0.5 s, not a segment."""


class CameraSection(Settings):
    """One camera and its two streams."""

    id: Id
    zone: Zone
    main: str
    sub: str | None = None
    username: str = ""
    password: SecretStr = SecretStr("")
    password_file: Path | None = None

    @field_validator("main", "sub")
    @classmethod
    def _no_password(cls, url: str | None) -> str | None:
        if url is not None and urlsplit(url).password is not None:
            raise ValueError("the address holds a password; use username and password or password_file")
        return url

    @model_validator(mode="after")
    def _one_password(self) -> Self:
        if self.password_file and self.password.get_secret_value():
            raise ValueError("give password or password_file, not both")
        return self

    def sources(self) -> dict[str, Source]:
        """Its streams: `main`, and `sub` where there is one.

        Raises:
            SettingsError: the password file cannot be read.
        """
        password = self.password.get_secret_value()
        if self.password_file:
            try:
                password = self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError) as error:
                raise SettingsError(str(self.password_file), problem=str(error)) from error
        urls = {"main": self.main, "sub": self.sub}
        return {name: Source(url, self.username, password) for name, url in urls.items() if url}


class StationSettings(Settings):
    """All of `station.toml`."""

    station: StationSection
    center: CenterSection | None = None
    duty: DutySection = DutySection()
    limits: LimitsSection = LimitsSection()
    optical: OpticalSection | None = None
    cameras: Annotated[tuple[CameraSection, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _unique(self) -> Self:
        ids = [camera.id for camera in self.cameras]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"two cameras have the id {', '.join(twice)}")
        return self

    @property
    def origin(self) -> str:
        """The station log's name, and the name of its keys."""
        return f"{self.log_origin}/s/{self.station.id}"

    @property
    def log_origin(self) -> str:
        """The national log's name."""
        return f"{self.station.log_domain}/{self.station.election}"

    @property
    def identity_file(self) -> Path:
        """Where the identity key lies."""
        return self.station.identity or self.station.data / "identity.key"

    @cached_property
    def bytes_per_hour(self) -> int:
        """Footage of one hour, as the limits expect it."""
        rate = sum(self.limits.main_mbps + (self.limits.sub_mbps if c.sub else 0) for c in self.cameras)
        return round(rate * 1e6 / 8 * 3600)


def load_station(path: Path) -> StationSettings:
    """Read `station.toml`; relative paths in it are relative to the file.

    Raises:
        SettingsError: with every wrong key.
    """
    settings = load_settings(StationSettings, path)
    base = path.resolve().parent
    section = settings.station
    placed = section.model_copy(
        update={"data": base / section.data, "identity": section.identity and base / section.identity}
    )
    center = settings.center
    if center and center.trust:
        center = center.model_copy(update={"trust": base / center.trust})
    cameras = tuple(
        c.model_copy(update={"password_file": c.password_file and base / c.password_file}) for c in settings.cameras
    )
    return settings.model_copy(update={"station": placed, "center": center, "cameras": cameras})
