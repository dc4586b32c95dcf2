"""What a demo election consists of on disk: register, settings and keys, as an operator would make them."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from aigaq.archive import center_name, log_origin
from aigaq.base import Clock, from_ms, time_zone, utc_ms
from aigaq.election import Camera, PollingStation, Register, Zone, example_register, save_register
from aigaq.ledger import LogKey, SigningKey
from aigaq.ledger.ceremony import Ceremony, Scheme
from aigaq.ledger.enrolment import Authority, CameraFacts, Facts, IdentityKey, IssuingAuthority, Roles, make_csr
from aigaq.ledger.witness import WitnessSettings, init_witness, policy_lines
from aigaq_verify import VerifierKey

LOG_DOMAIN: Final = "demo.invalid"
"""A name that can never belong to anyone (RFC 6761 §6.4)."""
DAY: Final = timedelta(days=1, minutes=-1)
"""How long the demo's cameras owe footage, from the minute of its first start."""
HOST: Final = "127.0.0.1"
WITNESS: Final = "witness.toml"
ENROLMENT: Final = "enrolment.cbor"
OFFICERS: Final = ("chair/demo", "secretary/demo")
CENTER_TOML: Final = """[center]
election = "."
data = "archive"
log_domain = "{domain}"

[log]
key = "../ceremony/private/log.key"
pq_key = "../ceremony/private/log-pq.key"
policy = "../policy.txt"
authority = "../ceremony/public/issuing.crt"
facts = "facts"

[optical]
cameras = ["{optical}"]

[listen]
port = {port}
"""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """One demo on disk, ready to start."""

    register: Register
    center: Path
    """The centre's settings."""
    stations: dict[str, Path]
    """Each box's settings."""
    witnesses: tuple[Path, ...]
    """Each witness's settings."""
    trust: Path
    """The keys of log and witnesses, for `aigaq verify --trust`."""


def mount(camera: Camera, stream: str) -> str:
    """The farm's name of one stream."""
    return f"{camera.station}.{camera.id}.{stream}"


def first_start(folder: Path, clock: Clock) -> datetime:
    """When the demo in this folder was first started; now, if never."""
    mark = folder / "started"
    if not mark.exists():
        mark.write_text(str(utc_ms(clock)), encoding="ascii")
    return from_ms(int(mark.read_text(encoding="ascii")))


def demo_register(started: datetime, stations: int, farm_url: str) -> Register:
    """The invented election, held from that moment on for a day, with the farm's cameras.

    All stations keep the same clock, so that the hour of the start is one hour.
    """
    zone = time_zone(example_register(started.date()).election.time_zone)
    local = started.astimezone(zone)
    example = example_register(local.date(), lambda station, camera, stream: f"{farm_url}/{station}.{camera}.{stream}")
    hours = (local.time().replace(second=0, microsecond=0), (local + DAY).time().replace(second=0, microsecond=0))
    election = replace(
        example.election, id=f"demo-{local:%Y%m%d-%H%M%S}", duty=dict.fromkeys(example.election.duty, hours)
    )
    territories = [replace(territory, time_zone=None) for territory in example.territories()]
    return Register(election, territories, example.stations()[:stations])


@dataclass(frozen=True, slots=True)
class Ports:
    """Where everything listens, on this machine."""

    center: int
    patch: int
    """The page with the blinking patch of the first station."""
    witnesses: tuple[int, ...]
    uplinks: Mapping[str, int] = field(default_factory=dict[str, int])
    """Stations that reach the centre through another port."""

    @property
    def center_url(self) -> str:
        """Address of the centre."""
        return f"http://{HOST}:{self.center}"


def invented_facts(station: PollingStation) -> Facts:
    """Addresses from the range for documentation (RFC 7042 §2.1.2), no picture taken, nothing masked."""
    cameras = sorted(camera.id for camera in station.cameras)
    return Facts(tuple(CameraFacts(c, f"00:00:5e:00:53:{n:02x}", bytes(32)) for n, c in enumerate(cameras)))


def patch_camera(register: Register) -> Camera:
    """The one camera of the demo that has a blinking patch in view."""
    return next(c for c in register.stations()[0].cameras if c.zone is Zone.OBSERVER_AREA)


def booth_camera(station: PollingStation) -> Camera:
    """The camera at the booths."""
    return next(c for c in station.cameras if c.zone is Zone.BOOTH_ENTRANCE)


def log_key(folder: Path) -> LogKey:
    """What signs the national log of the demo."""
    secrets = folder / "ceremony" / "private"
    return LogKey.load(secrets / "log.key", secrets / "log-pq.key")


def write_demo(
    folder: Path,
    register: Register,
    clock: Clock,
    ports: Ports,
    *,
    facts: Callable[[PollingStation], Facts] = invented_facts,
) -> DemoFiles:
    """Write, or write anew, the settings; keys and footage that are there stay."""
    election, center = register.election.id, folder / "center"
    center.mkdir(parents=True, exist_ok=True)
    save_register(register, center)
    vkey = _key(center / "center.key").vkey(center_name(LOG_DOMAIN, election))
    origin = log_origin(LOG_DOMAIN, election)
    if not (folder / "ceremony").exists():
        Ceremony(folder / "ceremony", clock, log_origin=origin, scheme=Scheme(2, 3), rehearsal=False).hold()
    log = log_key(folder).verifiers(origin)
    witnesses = [_witness(folder, n, log[0], clock) for n in range(1, len(ports.witnesses) + 1)]
    trust = folder / "policy.txt"
    trust.write_text(_policy(log, ports, witnesses), encoding="utf-8")
    optical = patch_camera(register)
    settings = CENTER_TOML.format(domain=LOG_DOMAIN, port=ports.center, optical=f"{optical.station}/{optical.id}")
    (center / "center.toml").write_text(settings, encoding="utf-8")
    office = _Office.open(folder, election, clock)
    stations: dict[str, Path] = {}
    for station in register.stations():
        box = folder / station.id
        (box / "data").mkdir(parents=True, exist_ok=True)
        office.enrol(box, station, facts(station))
        stations[station.id] = box / "station.toml"
        stations[station.id].write_text(_station_toml(register, station, ports, vkey), encoding="utf-8")
    return DemoFiles(register, center / "center.toml", stations, tuple(w.folder / WITNESS for w in witnesses), trust)


def _key(path: Path) -> SigningKey:
    return SigningKey.load(path) if path.exists() else SigningKey.create(path)


def _witness(folder: Path, number: int, log: VerifierKey, clock: Clock) -> WitnessSettings:
    """A witness as a party would set one up."""
    place = folder / f"witness-{number}"
    if (place / WITNESS).exists():
        return WitnessSettings.load(place / WITNESS)
    return init_witness(place, f"witness-{number}.{LOG_DOMAIN}", clock, logs=[str(log)])


def _policy(log: Iterable[VerifierKey], ports: Ports, witnesses: Sequence[WitnessSettings]) -> str:
    """More than half of them: two histories would need a witness that signed both."""
    lines = ["# Trust file of the demo: made on this machine, so it proves nothing to anybody else."]
    lines += [f"log {key} {ports.center_url}/log" for key in log]
    at = zip(witnesses, ports.witnesses, strict=True)
    lines += [f"{policy_lines(witness)[0]} http://{HOST}:{port}" for witness, port in at]
    names = " ".join(witness.witness.name for witness in witnesses)
    return "\n".join([*lines, f"group witnesses {len(witnesses) // 2 + 1} {names}", "quorum witnesses"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Office:
    """Two officers and an issuing authority, all in one folder, as only a demo may have them."""

    authority: Authority
    officers: tuple[SigningKey, ...]
    issuer: IssuingAuthority

    @classmethod
    def open(cls, folder: Path, election: str, clock: Clock) -> Self:
        """Make the officers' keys, or take those that are there; the authority comes from the ceremony."""
        (folder / "officers").mkdir(exist_ok=True)
        keys = {name: _key(folder / "officers" / f"{name.replace('/', '-')}.key") for name in OFFICERS}
        roles = folder / "center" / "roles.vkeys"
        roles.write_text("".join(f"{key.vkey(name)}\n" for name, key in keys.items()), encoding="utf-8")
        ceremony = folder / "ceremony"
        issuer = IssuingAuthority.load(ceremony / "private" / "issuing.key", ceremony / "public" / "issuing.crt")
        return cls(Authority(election, Roles.load(roles), clock), tuple(keys.values()), issuer)

    def enrol(self, box: Path, station: PollingStation, facts: Facts) -> None:
        """Give the box an identity and the enrolment that two officers approved; a box that has one keeps it."""
        path = box / "data" / ENROLMENT
        if path.exists():
            return
        identity = IdentityKey.create(box / "identity.key")
        request = self.authority.request(make_csr(identity, self.authority.election, station.id, facts))
        approvals = [self.authority.approve(request, officer) for officer in self.officers]
        path.write_bytes(self.authority.complete(request, approvals, self.issuer)[1])
        known = box.parent / "center" / "facts" / f"{station.id}.json"
        known.parent.mkdir(exist_ok=True)
        known.write_text(json.dumps(facts.to_json()), encoding="utf-8")


def _station_toml(register: Register, station: PollingStation, ports: Ports, center_vkey: str) -> str:
    shows_patch = station.id == patch_camera(register).station
    optical = f'[optical]\nlisten = "{HOST}:{ports.patch}"\n' if shows_patch else ""
    cameras = "".join(
        f'\n[[cameras]]\nid = "{c.id}"\nzone = "{c.zone}"\nmain = "{c.main_url}"\nsub = "{c.sub_url}"\n'
        for c in station.cameras
    )
    return f"""[station]
election = "{register.election.id}"
id = "{station.id}"
data = "data"
identity = "identity.key"
log_domain = "{LOG_DOMAIN}"

[center]
url = "http://{HOST}:{ports.uplinks.get(station.id, ports.center)}"
vkey = "{center_vkey}"
trust = "../policy.txt"

[limits]
min_free_hours = 0.2
main_mbps = 0.8
sub_mbps = 0.3

{optical}{cameras}"""
