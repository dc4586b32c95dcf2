"""Settings of a centre: `center.toml`. Paths in it are relative to the file."""

from pathlib import Path
from typing import Annotated, Final, Self, TypeVar

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


class LogSection(Settings):
    """The national log of this centre, and who watches over it."""

    key: Path = Path("log.key")
    """Ed25519: signs each checkpoint."""
    pq_key: Path = Path("log-pq.key")
    """ML-DSA-44: signs beside it."""
    policy: Path = Path("policy.txt")
    """The trust file: the log's keys, its witnesses with their addresses, the quorum. Published at `/policy.txt`."""
    last_signed: Path = Path("last-signed/last-signed.sqlite")
    """What was signed last. Put it on another disk than the archive: a copy that was put back then cannot sign."""
    roles: Path = Path("roles.vkeys")
    """Keys of the officers who approve enrolments and revocations, one per line."""
    authority: Path | None = None
    """Certificate of the issuing authority; where it is named, no other's certificates are taken."""
    facts: Path = Path("facts")
    """Facts of the enrolled boxes, `<station>.json`: masks named in them are looked for in every picture."""
    mirror: str | None = None
    """Where the log is copied to after each witnessed checkpoint: `file:///…` or `s3://bucket/prefix`."""
    tokens: Path = Path("tokens")
    """Where `aigaq anchor` keeps time-stamps; evidence packages take them from there."""


class OpticalSection(Settings):
    """Cameras that have a blinking patch in view."""

    cameras: tuple[Annotated[str, Field(pattern=r"^[a-z0-9-]{1,32}/[a-z0-9-]{1,32}$")], ...] = ()
    """Each as `station/camera`. Reading one costs about a second of CPU a minute."""


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
    log: LogSection = LogSection()
    optical: OpticalSection = OpticalSection()
    listen: ListenSection = ListenSection()
    limits: LimitsSection = LimitsSection()
    recount: Annotated[dict[str, object], Field(default_factory=dict)]
    """Of the recount, which checks it: see `aigaq.recount.settings`."""

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read the file, and resolve its paths.

        Raises:
            SettingsError: all wrong keys at once.
        """
        found = load_settings(cls, path)
        return found.model_copy(
            update={
                "center": _resolved(found.center, path.parent, "election", "data", "key"),
                "log": _resolved(found.log, path.parent, *_LOG_PATHS),
            }
        )


_LOG_PATHS: Final = ("key", "pq_key", "policy", "last_signed", "roles", "authority", "facts", "tokens")
_Section = TypeVar("_Section", bound=Settings)


def _resolved(section: _Section, folder: Path, *names: str) -> _Section:
    paths: dict[str, Path | None] = {name: getattr(section, name) for name in names}
    return section.model_copy(update={name: folder / path for name, path in paths.items() if path is not None})


TEMPLATE = """\
# A centre of Aigaq. Every key is explained in docs/reference/archive.md.

[center]
election = "{election}"
data = "{data}"
log_domain = "{log_domain}"
key = "center.key"

[log]
key = "log.key"
pq_key = "log-pq.key"
policy = "policy.txt"
# Better on another disk than the archive:
last_signed = "last-signed/last-signed.sqlite"
roles = "roles.vkeys"

[listen]
host = "127.0.0.1"
port = 8080

[limits]
min_free_gb = 2
"""

POLICY = """\
# Trust file of the election {election} (C2SP tlog-policy). Compare it with the one that was published on paper.
{keys}
# Until witnesses are added, nothing but the log's own word stands behind its checkpoints: see docs/guide/operator.md.
quorum none
"""

ROLES = """\
# Officers who approve enrolments and revocations: one line each, as `aigaq enrol roles` prints it.
# Two different roles must agree, so two lines at least are needed.
"""
