"""Who the box is and what it signs with today: identity, enrolment file, session key. It sends nothing.

The identity key only delegates. What is signed day by day is signed by a session key of that UTC day, so that who takes
the box away tomorrow cannot sign for today. The enrolment is a file that may come while the agent runs.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.ledger import SigningKey
from aigaq.ledger.enrolment import EnrolmentError, IdentityKey, SessionKeys, fingerprint
from aigaq.station.settings import StationSettings
from aigaq_verify import VerifierKey, decode_leaf

ENROLMENT: Final = "enrolment.cbor"
MAX_ENROLMENT: Final = 8 << 10
ENDS_SOON_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Session:
    """What the box signs with now."""

    key: SigningKey
    enrolment: bytes | None
    """The leaf that enrols the box; None before the commission has given it."""
    delegation: bytes | None
    """The leaf by which the identity lets this key sign; None without an enrolment."""
    problem: EnrolmentError | None = None
    """Why the enrolment file is of no use."""

    @property
    def enrolled_until_ms(self) -> int | None:
        """End of the enrolment."""
        return decode_leaf(self.enrolment)["not_after_ms"] if self.enrolment else None

    @property
    def key_until_ms(self) -> int | None:
        """End of the session key."""
        return decode_leaf(self.delegation)["not_after_ms"] if self.delegation else None


class StationKeys:
    """The keys of one box. Used from one thread at a time."""

    def __init__(self, settings: StationSettings) -> None:
        """Load the identity.

        Raises:
            KeyFileError: the identity key is missing, broken or open to others.
        """
        data = settings.station.data
        self.identity = IdentityKey.load(settings.identity_file)
        self._folder = data / "session"
        self._origin = settings.origin
        self._file = data / ENROLMENT
        self._taken: bytes | None = None
        self._problem: EnrolmentError | None = None
        self._keys = SessionKeys(self._folder, self.identity, self._origin)

    @property
    def fingerprint(self) -> str:
        """What officers compare by telephone, and what the journal is bound to."""
        return fingerprint(self.identity.point)

    def session(self, now_ms: int) -> Session:
        """The session key of now, and whether the enrolment file has come, changed or gone since.

        Raises:
            KeyFileError: the disk refuses the key of a new day; the one of the day before is still good for 12 hours.
        """
        found = self._enrolment()
        if found != self._taken:
            self._taken = found
            self._keys, self._problem = self._with(found)
        key, delegation = self._keys.current(now_ms)
        return Session(key, found if delegation else None, delegation, self._problem)

    def all(self) -> list[VerifierKey]:
        """Every key that this box ever signed with."""
        return self._keys.all()

    def _enrolment(self) -> bytes | None:
        try:
            with self._file.open("rb") as file:
                return file.read(MAX_ENROLMENT + 1)
        except OSError:
            return None

    def _with(self, enrolment: bytes | None) -> tuple[SessionKeys, EnrolmentError | None]:
        try:
            return SessionKeys(self._folder, self.identity, self._origin, enrolment=enrolment), None
        except EnrolmentError as error:
            return SessionKeys(self._folder, self.identity, self._origin), error


def former_keys(data: Path, identity: IdentityKey, origin: str) -> list[VerifierKey]:
    """Every key that the box of a data folder signed with; none where it never signed. Makes nothing."""
    folder = data / "session"
    return SessionKeys(folder, identity, origin).all() if folder.is_dir() else []
