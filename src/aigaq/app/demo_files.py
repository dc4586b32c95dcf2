"""What a demo election consists of on disk: register, settings and keys, as an operator would make them."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from aigaq.archive import Enrolment, trust_file
from aigaq.archive.cli import center_name
from aigaq.base import Clock, from_ms, time_zone, utc_ms
from aigaq.election import Camera, PollingStation, Register, example_register, save_register
from aigaq.ledger import SigningKey

LOG_DOMAIN: Final = "demo.invalid"
"""A name that can never belong to anyone (RFC 6761 §6.4)."""
DAY: Final = timedelta(days=1, minutes=-1)
"""How long the demo's cameras owe footage, from the minute of its first start."""


@dataclass(frozen=True, slots=True)
class DemoFiles:
    """One demo on disk, ready to start."""

    register: Register
    center: Path
    """The centre's settings."""
    stations: dict[str, Path]
    """Each box's settings."""
    trust: Path
    """The keys of the stations, for `aigaq verify --trust`."""


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


def write_demo(folder: Path, register: Register, center_url: str, port: int) -> DemoFiles:
    """Write, or write anew, the settings; keys and footage that are there stay."""
    center = folder / "center"
    center.mkdir(parents=True, exist_ok=True)
    save_register(register, center)
    center_key = _key(center / "center.key")
    enrolment = Enrolment(center / "stations.vkeys", LOG_DOMAIN, register.election.id)
    vkey = center_key.vkey(center_name(LOG_DOMAIN, register.election.id))
    (center / "center.toml").write_text(
        f'[center]\nelection = "."\ndata = "archive"\nlog_domain = "{LOG_DOMAIN}"\n\n[listen]\nport = {port}\n',
        encoding="utf-8",
    )
    stations: dict[str, Path] = {}
    for station in register.stations():
        box = folder / station.id
        box.mkdir(exist_ok=True)
        enrolment.add(_key(box / "station.key").vkey(enrolment.origin(station.id)))
        stations[station.id] = box / "station.toml"
        stations[station.id].write_text(_station_toml(register, station, center_url, vkey), encoding="utf-8")
    trust = folder / "policy.txt"
    trust.write_text(trust_file(enrolment.keys), encoding="utf-8")
    return DemoFiles(register, center / "center.toml", stations, trust)


def _key(path: Path) -> SigningKey:
    return SigningKey.load(path) if path.exists() else SigningKey.create(path)


def _station_toml(register: Register, station: PollingStation, center_url: str, center_vkey: str) -> str:
    cameras = "".join(
        f'\n[[cameras]]\nid = "{c.id}"\nzone = "{c.zone}"\nmain = "{c.main_url}"\nsub = "{c.sub_url}"\n'
        for c in station.cameras
    )
    return f"""[station]
election = "{register.election.id}"
id = "{station.id}"
data = "data"
key = "station.key"
log_domain = "{LOG_DOMAIN}"

[center]
url = "{center_url}"
vkey = "{center_vkey}"

[limits]
min_free_hours = 0.2
main_mbps = 0.8
sub_mbps = 0.3
{cameras}"""
