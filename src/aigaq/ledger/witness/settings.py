"""Settings of a witness: `witness.toml`, beside its keys."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import Field, field_validator

from aigaq.base import Settings, SettingsError, load_settings
from aigaq.ledger.keys import parse_vkey
from aigaq_verify import VerifierKey

NAME: Final = "witness.toml"
DATABASE: Final = "witness.sqlite"
MARK: Final = "witness.mark"
_LISTEN: Final = re.compile(r"(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):([0-9]{1,5})")
TEMPLATE: Final = """\
# A witness of Aigaq. Reference: docs/reference/witness.md

[witness]
name = "{name}"
listen = "{listen}"
{url}
# The mark says how often this witness has signed, so that an older database is noticed. On another disk it also
# survives the loss of this one.
# mark = "/mnt/stick/witness.mark"

# The logs that this witness follows: one table for each key. Compare each key with the one that the log's owner
# publishes in print before you add it.
"""
LOG_TEMPLATE: Final = """
[[log]]
vkey = "{vkey}"
"""


class WitnessSection(Settings):
    """Who this witness is and where it listens."""

    name: Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s+\x00-\x1f\x7f]+$")]
    listen: str = "127.0.0.1:7380"
    url: str | None = None
    """The address at which logs and monitors reach it; stands in the policy lines."""
    mark: Path | None = None


class LogSection(Settings):
    """A log that is followed; a log with two keys has two tables."""

    vkey: str

    @field_validator("vkey")
    @classmethod
    def _is_sound(cls, vkey: str) -> str:
        return str(parse_vkey(vkey, "log.vkey"))


class WitnessFile(Settings):
    """All of `witness.toml`."""

    witness: WitnessSection
    log: tuple[LogSection, ...] = ()


@dataclass(frozen=True, slots=True)
class WitnessSettings:
    """What the file says, and where the files beside it lie."""

    folder: Path
    witness: WitnessSection
    logs: tuple[VerifierKey, ...]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read `witness.toml`.

        Raises:
            SettingsError: the file is missing or has wrong keys.
            BadKeyError: a log's key is not sound.
        """
        file = load_settings(WitnessFile, path)
        return cls(path.parent, file.witness, tuple(parse_vkey(log.vkey) for log in file.log))

    @property
    def database(self) -> Path:
        """The one SQLite file."""
        return self.folder / DATABASE

    @property
    def mark(self) -> Path:
        """The count of signatures, apart from the database."""
        return self.folder / (self.witness.mark or MARK)

    def keys_of_logs(self) -> dict[str, list[VerifierKey]]:
        """The keys of each log, by its origin."""
        keys: dict[str, list[VerifierKey]] = {}
        for key in self.logs:
            keys.setdefault(key.name, []).append(key)
        return keys


def parse_listen(text: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`.

    Raises:
        SettingsError: not an address with a port.
    """
    found = _LISTEN.fullmatch(text)
    if not found or int(found[2]) > 0xFFFF:
        raise SettingsError(text, problem="not an address with a port, such as 127.0.0.1:7380")
    return found[1].strip("[]"), int(found[2])


def new_file(name: str, *, listen: str, url: str | None, logs: Sequence[str]) -> str:
    """The text of a first `witness.toml`."""
    address = f'url = "{url}"' if url else '# url = "https://witness.example.org"'
    return TEMPLATE.format(name=name, listen=listen, url=address) + "".join(
        LOG_TEMPLATE.format(vkey=vkey) for vkey in logs
    )
