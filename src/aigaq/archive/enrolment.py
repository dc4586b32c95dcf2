"""Which key speaks for which station: one verifier key per line in a text file, as the boxes printed them."""

import logging
import os
from pathlib import Path
from typing import Final

from aigaq.archive.errors import AlreadyEnrolledError, ForeignKeyError, NotEnrolledError
from aigaq.base import AigaqError
from aigaq.ledger import parse_vkey
from aigaq_verify import VerifierKey

_SEPARATOR: Final = "/s/"
log = logging.getLogger(__name__)


class Enrolment:
    """The enrolled keys; a line added while the centre runs is seen at the next request that needs it."""

    def __init__(self, path: Path, log_domain: str, election: str) -> None:
        self.path = path
        self.prefix = f"{log_domain}/{election}{_SEPARATOR}"
        self._stamp = -1
        self._keys: dict[str, VerifierKey] = {}
        self.reload()

    def key(self, station: str) -> VerifierKey:
        """The station's key.

        Raises:
            NotEnrolledError: none is enrolled.
        """
        if station not in self._keys:
            self._refresh()
        try:
            return self._keys[station]
        except KeyError:
            raise NotEnrolledError(station, station=station) from None

    def __contains__(self, station: str) -> bool:
        return station in self._keys

    @property
    def keys(self) -> list[VerifierKey]:
        """All enrolled keys, by station."""
        self._refresh()
        return [self._keys[station] for station in sorted(self._keys)]

    def origin(self, station: str) -> str:
        """The name of the station's log and key."""
        return self.prefix + station

    def add(self, line: str) -> str:
        """Enrol a key, durably; returns the station. The same line again changes nothing.

        Raises:
            BadKeyError: not a sound Ed25519 key.
            ForeignKeyError: not the name of a station's log in this election.
            AlreadyEnrolledError: the station has another key.
        """
        station, key = self._read(line, "")
        self.reload()
        there = self._keys.get(station)
        if there and there != key:
            raise AlreadyEnrolledError(station, station=station)
        if not there:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(f"{key}\n")
                file.flush()
                os.fsync(file.fileno())
            self.reload()
        return station

    def reload(self) -> None:
        """Read the file if it changed.

        Raises:
            BadKeyError: a line that is not a key, by its number.
            ForeignKeyError: a key of another election.
            AlreadyEnrolledError: two keys for one station.
        """
        stamp = self.path.stat().st_mtime_ns if self.path.exists() else 0
        if stamp == self._stamp:
            return
        keys: dict[str, VerifierKey] = {}
        for number, line in enumerate(self.path.read_text(encoding="utf-8").splitlines() if stamp else [], 1):
            if line.strip() and not line.startswith("#"):
                station, key = self._read(line, f"{self.path}:{number}")
                if keys.setdefault(station, key) != key:
                    raise AlreadyEnrolledError(f"{self.path}:{number}", station=station)
        self._keys, self._stamp = keys, stamp

    def _refresh(self) -> None:
        """Read the file if it changed; a mistake in it must not turn stations away that were enrolled before."""
        try:
            self.reload()
        except AigaqError as error:
            log.warning("the file of enrolled keys is not used as it is now: %s", error)

    def _read(self, line: str, where: str) -> tuple[str, VerifierKey]:
        key = parse_vkey(line, where)
        if not key.name.startswith(self.prefix):
            raise ForeignKeyError(where, name=key.name, prefix=self.prefix)
        return key.name.removeprefix(self.prefix), key


def trust_file(keys: list[VerifierKey]) -> str:
    """A tlog-policy that trusts these station logs without witnesses (c2sp.org/tlog-policy)."""
    head = "# Station logs of this election. Compare this file with the one that was published on paper.\n"
    return head + "".join(f"log {key}\n" for key in keys) + "quorum none\n"
