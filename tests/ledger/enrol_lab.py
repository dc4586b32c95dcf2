"""A small election: two roles with two officers each, an issuing authority, boxes that ask to be enrolled."""

import tempfile
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.base import ManualClock, from_ms, utc_ms
from aigaq.ledger import SigningKey
from aigaq.ledger.ceremony.authority import issuing_certificate, root_certificate
from aigaq.ledger.enrolment import (
    Authority,
    Directory,
    Facts,
    IdentityKey,
    IssuingAuthority,
    Roles,
    SessionKeys,
    make_csr,
)
from aigaq_verify import VerifierKey

ELECTION = "vote-26"
LOG = f"log.example/{ELECTION}"
OFFICERS = ("commission/chair", "commission/secretary", "observers/north", "observers/south")


def signing_key(seed: int) -> SigningKey:
    return SigningKey(Ed25519PrivateKey.from_private_bytes(bytes([seed]) * 32))


@dataclass
class Lab:
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.keys = {name: signing_key(seed) for seed, name in enumerate(OFFICERS, 1)}
        self.roles = Roles(VerifierKey(name, key.public) for name, key in self.keys.items())
        self.authority = Authority(ELECTION, self.roles, self.clock)
        self.ca, self.root = make_ca(self.clock)
        self.folder = Path(tempfile.mkdtemp(prefix="enrol-lab-"))

    @property
    def now(self) -> int:
        return utc_ms(self.clock)

    def directory(self) -> Directory:
        return Directory(LOG, self.roles, clock=self.clock, authority=self.ca.certificate)

    def approvals(self, request, officers=("commission/chair", "observers/north")):
        return [self.authority.approve(request, self.keys[name]) for name in officers]

    def box(self, station: str = "s-101", identity: IdentityKey | None = None) -> "Box":
        return Box(self, station, identity or IdentityKey(generate_private_key(SECP256R1())))

    def revoke(self, leaf: bytes, reason: str = "box lost", at_ms: int | None = None) -> bytes:
        request = self.authority.revocation(leaf, reason, at_ms=at_ms)
        return self.authority.revoke(request, self.approvals(request))


@dataclass
class Box:
    lab: Lab
    station: str
    identity: IdentityKey
    facts: Facts = field(default_factory=Facts)

    @property
    def origin(self) -> str:
        return f"{LOG}/s/{self.station}"

    def csr(self) -> str:
        return make_csr(self.identity, ELECTION, self.station, self.facts)

    def enrolment(self) -> bytes:
        request = self.lab.authority.request(self.csr())
        return self.lab.authority.complete(request, self.lab.approvals(request), self.lab.ca)[1]

    def session(self, enrolment: bytes | None, folder: Path | None = None) -> SessionKeys:
        place = folder or Path(tempfile.mkdtemp(dir=self.lab.folder))
        return SessionKeys(place, self.identity, self.origin, enrolment=enrolment)

    def delegation(self, enrolment: bytes) -> bytes:
        leaf = self.session(enrolment).current(self.lab.now)[1]
        assert leaf is not None
        return leaf


def make_ca(clock: ManualClock):
    root = generate_private_key(SECP256R1())
    start = from_ms(utc_ms(clock) // 1000 * 1000) - timedelta(hours=1)
    certificate = root_certificate(root, f"{ELECTION} root", start)
    key = generate_private_key(SECP256R1())
    issued = issuing_certificate(root, certificate, key.public_key(), f"{ELECTION} issuing", start=start)
    return IssuingAuthority(key, issued), certificate
