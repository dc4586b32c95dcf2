"""Settings of a centre: `center.toml`. Paths in it are relative to the file."""

from pathlib import Path
from typing import Annotated, Self

from pydantic import Field

from aigaq.base import Settings, load_settings

NAME = "center.toml"


class CenterSection(Settings):
    """Where everything lies."""

    election: Path = Path("register")
    """The data folder of `aigaq election import`, or the source files themselves."""
    data: Path = Path("archive")
    """The archive: database, footage, logs. Put it on the largest disk."""
    log_domain: Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$", max_length=253)]
    """First part of the name of every station's log; the same in every `station.toml`."""
    key: Path = Path("center.key")
    """Signs receipts."""
    stations: Path = Path("stations.vkeys")
    """Keys of enrolled stations, one per line."""


class ListenSection(Settings):
    """Where boxes and viewers reach the centre; TLS is ended by the proxy before it."""

    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8080


class LimitsSection(Settings):
    """What the centre keeps free."""

    min_free_gb: Annotated[float, Field(ge=0)] = 2
    """With less room on the disk, uploads are told to come again later."""


class CenterSettings(Settings):
    """All of `center.toml`."""

    center: CenterSection
    listen: ListenSection = ListenSection()
    limits: LimitsSection = LimitsSection()

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file, and resolve its paths.

        Raises:
            SettingsError: all wrong keys at once.
        """
        found = load_settings(cls, path)
        section = found.center
        names = ("election", "data", "key", "stations")
        resolved = {name: path.parent / getattr(section, name) for name in names}
        return found.model_copy(update={"center": section.model_copy(update=resolved)})


TEMPLATE = """\
# A centre of Aigaq. Every key is explained in docs/reference/archive.md.

[center]
election = "{election}"
data = "{data}"
log_domain = "{log_domain}"
key = "center.key"
stations = "stations.vkeys"

[listen]
host = "127.0.0.1"
port = 8080

[limits]
min_free_gb = 2
"""
