"""The keys that a box signs with from day to day, each delegated by its identity key and forgotten when it has expired.

Who takes a box away can sign only what its present key allows: the private half of a former day is gone. Of former keys
the public half is kept, so that the box can read what it signed.
"""

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from aigaq.base import N_
from aigaq.ledger.durable import fsync_folder, write_whole
from aigaq.ledger.enrolment.errors import NotEnrolledError
from aigaq.ledger.enrolment.identity import Identity
from aigaq.ledger.errors import KeyFileError
from aigaq.ledger.key_files import told
from aigaq.ledger.keys import SigningKey, parse_vkey
from aigaq_verify import Kind, Leaf, RecordError, VerifierKey, decode_leaf, encode_leaf, leaf_hash, signed_part

VALID_MS: Final = 36 * 3_600_000
"""A key is good for its UTC day and half of the next: a box that is late to renew still signs."""
_DAY_MS: Final = 86_400_000


class SessionKeys:
    """The session keys of one box in one folder; `enrolment` is its enrolment leaf, or None while it has none."""

    def __init__(self, folder: Path, identity: Identity, origin: str, *, enrolment: bytes | None = None) -> None:
        """Open the folder, or make it.

        Raises:
            NotEnrolledError: the leaf is no enrolment of this very box.
        """
        self._folder = folder
        self._identity = identity
        self._origin = origin
        self._enrolment = check_own_enrolment(enrolment, identity, origin) if enrolment is not None else None
        self._key: tuple[str, SigningKey] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def current(self, now_ms: int) -> tuple[SigningKey, bytes | None]:
        """The key of the UTC day, made when it is first asked for, and the leaf that delegates it.

        The leaf is None while the box has no enrolment: it may sign meanwhile, and the centre will know the key later.

        Raises:
            KeyFileError: the disk refuses a new key, or a key file is broken or open to others.
        """
        day = datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y%m%d")
        try:
            if self._key is None or self._key[0] != day:
                self._key = day, self._load_or_make(day)
                self._forget_expired(now_ms)
            key = self._key[1]
            return key, self._delegation(key, now_ms) if self._enrolment else None
        except OSError as error:
            raise KeyFileError(str(self._folder), problem=told(error)) from error

    def all(self) -> list[VerifierKey]:
        """Every key that this box ever had, under the name of its log; oldest first."""
        texts = (path.read_text(encoding="utf-8") for path in sorted(self._folder.glob("*.vkey")))
        return [parse_vkey(text) for text in texts]

    def _load_or_make(self, day: str) -> SigningKey:
        path = self._folder / f"{day}.key"
        if path.exists():
            return SigningKey.load(path)
        draft = self._folder / "new.key"
        draft.unlink(missing_ok=True)
        key = SigningKey.create(draft)
        vkey = key.vkey(self._origin)
        # The public half first: a key that has signed is always among `all()`, wherever the power fails.
        write_whole([(self._folder / f"{day}-{key.public.hex()[:16]}.vkey", f"{vkey}\n".encode())])
        draft.replace(path)
        fsync_folder(self._folder)
        return key

    def _forget_expired(self, now_ms: int) -> None:
        for path in self._folder.glob("????????.key"):
            start = datetime.strptime(path.stem, "%Y%m%d").replace(tzinfo=UTC)
            if round(start.timestamp() * 1000) + VALID_MS < now_ms:
                path.unlink()

    def _delegation(self, key: SigningKey, now_ms: int) -> bytes:
        """The same bytes each time that it is asked for: the centre keeps one leaf, not one a request."""
        enrolled = self._enrolment
        path = self._folder / f"{key.public.hex()[:16]}-{leaf_hash(enrolled or b'').hex()[:16]}.delegation"
        if path.exists():
            return path.read_bytes()
        leaf = delegate(self._identity, key.public, enrolled or b"", start_ms=now_ms - now_ms % _DAY_MS)
        write_whole([(path, leaf)])
        return leaf


def delegate(identity: Identity, session_key: bytes, enrolment: bytes, *, start_ms: int) -> bytes:
    """The leaf by which an enrolled identity lets a session key sign for 36 h from then on."""
    enrolled = decode_leaf(enrolment)
    values = {
        "election": enrolled["election"],
        "station": enrolled["station"],
        "session_key": session_key,
        "not_before_ms": start_ms,
        "not_after_ms": start_ms + VALID_MS,
        "enrolment": leaf_hash(enrolment),
    }
    signature = identity.sign(signed_part(Kind.DELEGATION, values))
    return encode_leaf(Leaf(Kind.DELEGATION, {**values, "signature": signature}))


def check_own_enrolment(leaf: bytes, identity: Identity, origin: str) -> bytes:
    """The leaf itself, if it enrols this identity for the station of this log.

    Raises:
        NotEnrolledError: it does not.
    """
    try:
        enrolled = decode_leaf(leaf)
    except RecordError as error:
        raise NotEnrolledError(problem=N_("the file is not an enrolment")) from error
    if enrolled.kind is not Kind.ENROLMENT:
        raise NotEnrolledError(problem=N_("the file is not an enrolment"))
    if not origin.endswith(f"/{enrolled['election']}/s/{enrolled['station']}"):
        raise NotEnrolledError(origin, problem=N_("it is for another station or election"))
    if enrolled["identity"] != identity.point:
        raise NotEnrolledError(origin, problem=N_("it is for another identity key"))
    return leaf
