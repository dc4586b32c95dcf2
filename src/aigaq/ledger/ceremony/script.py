"""The ceremony from the first key to the last check, the same for a rehearsal and for the day itself.

Order: root, issuing authority, log keys; the root's key into shares; the sheets are read back from where they were
written, and every way to combine them that matters is tried: enough shares, the greatest loss that may happen, one
share too few, a wrong word. A rehearsal makes keys of its own under a name that says so, and destroys them at the end.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding

from aigaq.base import N_, Clock, from_ms, utc_ms
from aigaq.ledger.ceremony.authority import issuing_certificate, root_certificate, root_key, secret_of
from aigaq.ledger.ceremony.errors import BadShareError, CheckFailedError, FolderError, TooFewSharesError
from aigaq.ledger.ceremony.shares import Scheme, combine, commitment, read_words, split
from aigaq.ledger.durable import write_whole
from aigaq.ledger.enrolment.csr import UNREADABLE
from aigaq.ledger.key_files import write_private_key
from aigaq.ledger.keys import SigningKey
from aigaq.ledger.paper import qr_code, sheet
from aigaq_verify import VerifierKey
from aigaq_verify.note import ML_DSA_44

PUBLIC: Final = "public"
PRIVATE: Final = "private"
SHARES: Final = "shares"
ROOT: Final = "root.crt"
ISSUING: Final = "issuing.crt"
ISSUING_KEY: Final = "issuing.key"
LOG_KEYS: Final = "log.vkeys"
TRANSCRIPT: Final = "transcript.html"
_MEMORY: Final = frozenset({"tmpfs", "ramfs"})

Step = tuple[str, Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was done, and what everyone may know of it. It holds no secret."""

    name: str
    election: str
    begun: str
    program: str
    scheme: Scheme
    rehearsal: bool
    steps: Sequence[Step]
    hashes: Sequence[tuple[str, str]]
    commitments: Sequence[str]


class Ceremony:
    """One ceremony in a new folder."""

    def __init__(self, folder: Path, clock: Clock, *, log_origin: str, scheme: Scheme, rehearsal: bool) -> None:
        """Take the folder.

        Raises:
            FolderError: it exists and holds something.
        """
        if folder.exists() and any(folder.iterdir()):
            raise FolderError(str(folder), problem=N_("it holds something already"))
        self._folder = folder
        self._start = from_ms(utc_ms(clock) // 1000 * 1000)
        self._origin = log_origin
        self._scheme = scheme
        self._rehearsal = rehearsal
        self._election = log_origin.rpartition("/")[2]
        self._name = f"{'REHEARSAL ' if rehearsal else ''}{self._election}"
        self._steps: list[Step] = []

    def hold(self) -> Transcript:
        """Do all of it; the sheets and keys lie in the folder, those of a rehearsal are gone again.

        Raises:
            CheckFailedError: a check failed; nothing that was made may be used.
        """
        (self._folder / PUBLIC).mkdir(parents=True)
        for name in (PRIVATE, SHARES):
            (self._folder / name).mkdir(mode=0o700)
        root, certificate = self._make_root()
        issuing = self._make_issuing(root, certificate)
        vkeys = self._make_log_keys()
        commitments = self._share(root)
        self._try_shares(root)
        if self._rehearsal:
            self._destroy()
        transcript = Transcript(
            self._name,
            self._election,
            self._start.isoformat().replace("+00:00", "Z"),
            f"aigaq {version('aigaq')}",
            self._scheme,
            self._rehearsal,
            self._steps,
            [
                (N_("Root certificate, SHA-256"), certificate.fingerprint(SHA256()).hex()),
                (N_("Issuing authority's certificate, SHA-256"), issuing.fingerprint(SHA256()).hex()),
                (N_("Log key, Ed25519"), str(vkeys[0])),
                (N_("Log key, ML-DSA-44, SHA-256 of its line"), _hash_line(vkeys[1])),
            ],
            commitments,
        )
        write_whole([(self._folder / PUBLIC / TRANSCRIPT, sheet("transcript.html", made=transcript))])
        return transcript

    def _make_root(self) -> tuple[EllipticCurvePrivateKey, x509.Certificate]:
        root = generate_private_key(SECP256R1())
        certificate = root_certificate(root, f"{self._name} root", self._start)
        self._publish(ROOT, certificate.public_bytes(Encoding.PEM))
        self._did(N_("The root key was made in memory; only its certificate was written."))
        return root, certificate

    def _make_issuing(self, root: EllipticCurvePrivateKey, certificate: x509.Certificate) -> x509.Certificate:
        key = generate_private_key(SECP256R1())
        issued = issuing_certificate(
            root, certificate, key.public_key(), f"{self._name} issuing authority", start=self._start
        )
        write_private_key(self._folder / PRIVATE / ISSUING_KEY, key)
        self._publish(ISSUING, issued.public_bytes(Encoding.PEM))
        self._did(N_("The issuing authority's key was made, and the root signed its certificate."))
        return issued

    def _make_log_keys(self) -> tuple[VerifierKey, VerifierKey]:
        first, second = SigningKey.create(self._folder / PRIVATE / "log.key"), MLDSA44PrivateKey.generate()
        write_private_key(self._folder / PRIVATE / "log-pq.key", second)
        vkeys = (
            VerifierKey(self._origin, first.public),
            VerifierKey(self._origin, second.public_key().public_bytes_raw(), ML_DSA_44),
        )
        self._publish(LOG_KEYS, "".join(f"{vkey}\n" for vkey in vkeys).encode())
        self._did(N_("Both keys of the national log were made."))
        return vkeys

    def _share(self, root: EllipticCurvePrivateKey) -> list[str]:
        shares = split(secret_of(root), self._scheme)
        for number, share in enumerate(shares, 1):
            self._write_sheet(number, share)
        self._did(
            N_(
                "The root key was split into {made} shares, of which any {needed} restore it; a sheet was written each."
            ),
            made=self._scheme.made,
            needed=self._scheme.needed,
        )
        return [commitment(share) for share in shares]

    def _write_sheet(self, number: int, share: str) -> None:
        words = share.split()
        page = sheet(
            "share.html",
            name=self._name,
            number=number,
            scheme=self._scheme,
            rehearsal=self._rehearsal,
            words=words,
            code_picture=qr_code(share),
            commitment=commitment(share),
        )
        head = f"# {self._name}: share {number} of {self._scheme.made}, {self._scheme.needed} are needed\n"
        lines = "".join(f"{place:2} {word}\n" for place, word in enumerate(words, 1))
        folder = self._folder / SHARES
        write_whole(
            [(folder / f"share-{number:02}.html", page), (folder / f"share-{number:02}.txt", (head + lines).encode())]
        )

    def _try_shares(self, root: EllipticCurvePrivateKey) -> None:
        """Read the sheets back, and play what may happen to them."""
        needed, made = self._scheme.needed, self._scheme.made
        paths = sorted((self._folder / SHARES).glob("*.txt"))
        shares = [read_words(path.read_text(encoding="utf-8")) for path in paths]
        circle = shares + shares
        for first in range(made):
            if root_key(combine(circle[first : first + needed])).public_key() != root.public_key():
                raise CheckFailedError(problem=N_("shares gave another key"))
        self._did(N_("The sheets were read back; each share was used to restore the root key, and it came out right."))
        if made > needed:
            self._did(N_("With {lost} shares lost, the rest restored the key."), lost=made - needed)
        for first in range(made):
            self._must_refuse(circle[first : first + needed - 1], TooFewSharesError)
        self._did(N_("With one share more lost, {left} shares were refused."), left=needed - 1)
        words = shares[0].split()
        place = next(n for n in range(len(words) - 1) if words[n] != words[n + 1])
        words[place], words[place + 1] = words[place + 1], words[place]
        self._must_refuse([" ".join(words), *shares[1:needed]], BadShareError)
        self._did(N_("A share with two words exchanged was refused."))

    @staticmethod
    def _must_refuse(shares: Sequence[str], wanted: type[TooFewSharesError | BadShareError]) -> None:
        try:
            combine(shares)
        except wanted:
            return
        raise CheckFailedError(problem=N_("shares were accepted that must be refused"))

    def _destroy(self) -> None:
        for name in (PRIVATE, SHARES):
            shutil.rmtree(self._folder / name)
        self._did(N_("The keys and shares of this rehearsal were destroyed."))

    def _publish(self, name: str, data: bytes) -> None:
        write_whole([(self._folder / PUBLIC / name, data)])

    def _did(self, text: str, **facts: object) -> None:
        self._steps.append((text, facts))


def reissue(shares: Sequence[str], root_pem: bytes, folder: Path, clock: Clock) -> x509.Certificate:
    """Make a new issuing authority from the shares of the root; the root's key is written nowhere.

    Raises:
        BadShareError: words that are not a share, or of another ceremony.
        TooFewSharesError: fewer than needed.
        WrongRootError: the shares are not of this root.
        FolderError: the certificate of the root cannot be read.
        KeyFileError: the folder holds an issuing key already, or cannot be written.
    """
    try:
        certificate = x509.load_pem_x509_certificate(root_pem)
        name = str(certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)
    except (*UNREADABLE, IndexError) as error:
        raise FolderError(problem=N_("the root's certificate cannot be read")) from error
    root, key = root_key(combine(shares)), generate_private_key(SECP256R1())
    title = f"{name.removesuffix(' root')} issuing authority"
    start = from_ms(utc_ms(clock) // 1000 * 1000)
    issued = issuing_certificate(root, certificate, key.public_key(), title, start=start)
    write_private_key(folder / ISSUING_KEY, key)
    write_whole([(folder / ISSUING, issued.public_bytes(Encoding.PEM))])
    return issued


def check_in_memory(folder: Path, mounts: Path = Path("/proc/mounts")) -> None:
    """Refuse a folder on a disk: a share that was once on a disk can be found there after it was deleted.

    Raises:
        FolderError: it is on a disk, or this system does not say.
    """
    try:
        lines = [line.split() for line in mounts.read_text(encoding="utf-8").splitlines()]
    except OSError:
        lines = []
    place = folder.absolute().resolve()
    above = {parts[1]: parts[2] for parts in lines if len(parts) > 2 and place.is_relative_to(parts[1])}
    if not above or above[max(above, key=len)] not in _MEMORY:
        raise FolderError(str(folder), problem=N_("its files would reach a disk"))


def _hash_line(vkey: VerifierKey) -> str:
    return commitment(f"{vkey}\n")
