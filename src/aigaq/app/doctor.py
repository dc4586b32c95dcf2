"""`aigaq doctor`: what is there, what is missing, what to do about it. Looks, changes nothing.

A finding says for whom it matters: where a need of `product` is bad Aigaq cannot run, where one of `tests` is bad only
its tests cannot.
"""

import ctypes
import enum
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

import aigaq
from aigaq.base import AigaqError, time_zone
from aigaq.web import Assets

LOCK: Final = Path(aigaq.__file__).parents[2] / "requirements" / "runtime.txt"
PYTHON: Final = (3, 11)
FREE_TO_RUN: Final = 500_000_000
FREE_TO_RECORD: Final = 20_000_000_000
"""Five cameras at 4 Mb/s and 0.5 Mb/s fill about 10 GB an hour."""
FILES_TO_RUN: Final = 256
FILES_FOR_MANY: Final = 4096
PORT: Final = 8080
PEER_SECONDS: Final = 20


class State(enum.StrEnum):
    """How a finding stands."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Need(enum.StrEnum):
    """Who needs it."""

    PRODUCT = "product"
    TESTS = "tests"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at; `remedy` is empty when all is well."""

    what: str
    state: State
    found: str
    remedy: str = ""
    need: Need = Need.PRODUCT


@dataclass(frozen=True, slots=True)
class Peer:
    """A program that tests run Aigaq against, and the Debian packages that bring it."""

    name: str
    command: tuple[str, ...]
    packages: tuple[str, ...]


GSTREAMER_ELEMENTS: Final = ("qtdemux", "h264parse", "rtph264pay", "multifilesrc", "rtpjitterbuffer")
GSTREAMER: Final = f"""
import gi
gi.require_version("GstRtspServer", "1.0")
from gi.repository import Gst, GstRtspServer
Gst.init(None)
lacking = [name for name in {GSTREAMER_ELEMENTS!r} if Gst.ElementFactory.find(name) is None]
print("GStreamer", ".".join(map(str, Gst.version()[:3])), *lacking)
raise SystemExit(bool(lacking))
"""
POSTGRES: Final = "for p in /usr/lib/postgresql/*/bin/postgres $(command -v postgres); do $p --version && break; done"
LIBATOMIC: Final = "import ctypes; ctypes.CDLL('libatomic.so.1'); print('libatomic.so.1')"

PEERS: Final = (
    Peer("ffmpeg", ("ffmpeg", "-version"), ("ffmpeg",)),
    Peer("ffprobe", ("ffprobe", "-version"), ("ffmpeg",)),
    Peer(
        "GStreamer RTSP server",
        ("/usr/bin/python3", "-c", GSTREAMER),
        (
            "python3-gi",
            "gir1.2-gst-rtsp-server-1.0",
            "gstreamer1.0-plugins-base",
            "gstreamer1.0-plugins-good",
            "gstreamer1.0-plugins-bad",
        ),
    ),
    Peer("Chromium", ("chromium", "--version"), ("chromium",)),
    Peer("strace", ("strace", "-V"), ("strace",)),
    Peer("PostgreSQL", ("sh", "-c", POSTGRES), ("postgresql",)),
    Peer("swtpm, a TPM in software", ("swtpm", "--version"), ("swtpm",)),
    Peer("Ceph's S3 gateway", ("radosgw", "--version"), ("ceph-mon", "ceph-osd", "radosgw")),
    Peer("tpm2-tools", ("tpm2_sign", "--version"), ("tpm2-tools",)),
    Peer("libatomic, for the program that steers Chromium", (sys.executable, "-c", LIBATOMIC), ("libatomic1",)),
)


def doctor(
    *,
    data: Annotated[Path, typer.Option(help="Folder that will keep footage.", envvar="AIGAQ_DATA")] = Path("data"),
    port: Annotated[
        list[int] | None, typer.Option(help="Port to be served; may be repeated.", show_default=str(PORT))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")] = False,
) -> None:
    """Say what is there, what is missing and what to do about it.

    Exit codes: 0 Aigaq can run here · 1 something it needs is missing. What only tests need never counts.
    """
    findings = list(examine(data, port or [PORT]))
    fit = all(f.state is not State.BAD or f.need is Need.TESTS for f in findings)
    if as_json:
        typer.echo(json.dumps({"fit": fit, "findings": [asdict(f) for f in findings]}, indent=2))
    else:
        show(findings, Console(soft_wrap=False))
        typer.echo("Aigaq can run here." if fit else "Aigaq cannot run here yet: see the lines marked bad.")
    raise typer.Exit(0 if fit else 1)


def examine(data: Path, ports: Iterable[int]) -> Iterator[Finding]:
    """Look at everything, the product's needs first."""
    yield python_finding(sys.version_info[:3])
    yield packages_finding(locked_versions(LOCK), installed_version)
    yield pages_finding()
    yield folder_finding(data)
    yield disk_finding(data)
    yield clock_finding(kernel_clock())
    yield time_zone_finding()
    yield files_finding(resource.getrlimit(resource.RLIMIT_NOFILE))
    yield from map(port_finding, ports)
    yield from map(peer_finding, PEERS)


def show(findings: Sequence[Finding], console: Console) -> None:
    """A table for a person at a terminal, plain lines for a file."""
    if not console.is_terminal:
        for f in findings:
            remedy = f" | {f.remedy}" if f.remedy else ""
            console.print(f"{f.state:<4} {f.what}: {f.found}{remedy}", markup=False, highlight=False, soft_wrap=True)
        return
    table = Table("", "What", "Found", "What to do", box=None, pad_edge=False)
    colours: Mapping[State, str] = {State.OK: "green", State.WARN: "yellow", State.BAD: "bold red"}
    for f in findings:
        what = f.what if f.need is Need.PRODUCT else f"{f.what} (tests only)"
        table.add_row(Text(f.state, colours[f.state]), *map(Text, (what, f.found, f.remedy)))
    console.print(table)


def python_finding(running: tuple[int, ...]) -> Finding:
    """The interpreter and the system below it."""
    found = f"{'.'.join(map(str, running))} on {sys.platform}"
    if running < PYTHON:
        return Finding("Python", State.BAD, found, "Install Python 3.11 or newer and run make again.")
    if sys.platform != "linux":
        return Finding("Python", State.WARN, found, "Only Linux is tested.")
    return Finding("Python", State.OK, found)


def locked_versions(lock: Path) -> Mapping[str, set[str]]:
    """Package names with the versions that the lock allows; empty where there is no lock (an installed wheel).

    A package that the lock names for other systems only has the version "" among its versions: it may be absent.
    """
    allowed: dict[str, set[str]] = {}
    if lock.is_file():
        pattern = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)( ;)?", re.MULTILINE)
        for name, locked, marker in pattern.findall(lock.read_text(encoding="utf-8")):
            allowed.setdefault(name, set()).update({locked, ""} if marker else {locked})
    return allowed


def installed_version(package: str) -> str:
    """The version that is installed; empty when it is not."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def packages_finding(locked: Mapping[str, set[str]], installed: Callable[[str], str] = installed_version) -> Finding:
    """Installed packages beside the lock."""
    if not locked:
        return Finding("Packages", State.OK, f"aigaq {installed('aigaq')}; no lock beside it to compare with")
    found = {name: installed(name) for name in locked}
    missing = sorted(name for name, has in found.items() if not has and "" not in locked[name])
    other = sorted(f"{name} {has}" for name, has in found.items() if has and has not in locked[name])
    remedy = "Run: make demo (it installs the locked packages)."
    if missing:
        return Finding("Packages", State.BAD, f"missing: {', '.join(missing)}", remedy)
    if other:
        return Finding("Packages", State.WARN, f"not as locked: {', '.join(other)}", remedy)
    return Finding("Packages", State.OK, f"{sum(map(bool, found.values()))} as locked")


def pages_finding() -> Finding:
    """Scripts and styles of the pages."""
    try:
        Assets.load()
    except AigaqError as error:
        told = error.explain()
        return Finding("Pages", State.BAD, told.why, told.hint)
    return Finding("Pages", State.OK, "built")


def folder_finding(data: Path) -> Finding:
    """Whether footage can be written there."""
    at = _existing(data)
    if not os.access(at, os.W_OK | os.X_OK):
        return Finding("Data folder", State.BAD, f"{at} cannot be written to", "Give --data a folder of your own.")
    return Finding("Data folder", State.OK, str(data) if at == data else f"{data} can be made")


def disk_finding(data: Path) -> Finding:
    """Free space where footage will lie."""
    free = shutil.disk_usage(_existing(data)).free
    found = f"{free / 1e9:.1f} GB free"
    if free < FREE_TO_RUN:
        return Finding("Disk", State.BAD, found, "Free some space, or give --data a folder on another disk.")
    if free < FREE_TO_RECORD:
        return Finding("Disk", State.WARN, found, "Enough for a trial; a day of five cameras needs about 200 GB.")
    return Finding("Disk", State.OK, found)


def _existing(folder: Path) -> Path:
    at = folder.absolute()
    return next(p for p in (at, *at.parents) if p.exists())


@dataclass(frozen=True, slots=True)
class KernelClock:
    """What the kernel knows of its clock; None where it does not tell."""

    synchronised: bool | None
    error_s: float = 0.0


class _Timex(ctypes.Structure):
    """The beginning of `struct timex` (adjtimex(2)); the rest is room for what the kernel writes."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 512),
    )


def kernel_clock() -> KernelClock:
    """Ask the kernel, reading only (modes 0): time daemons tell it when the clock follows a source."""
    call = getattr(ctypes.CDLL(None), "adjtimex", None)
    timex = _Timex()
    state = call(ctypes.byref(timex)) if call else -1
    if state < 0:
        return KernelClock(None)
    unsynchronised, time_error = 0x40, 5
    return KernelClock(state != time_error and not timex.status & unsynchronised, timex.maxerror / 1e6)


def clock_finding(clock: KernelClock) -> Finding:
    """Whether the clock follows a source: times in the records are the box's own claim."""
    remedy = (
        "Install and start chrony (with rtcsync) or systemd-timesyncd; records will say that the clock was not set."
    )
    if clock.synchronised is None:
        return Finding("Clock", State.WARN, "the system does not tell whether it is synchronised", remedy)
    if not clock.synchronised:
        return Finding("Clock", State.WARN, "not synchronised", remedy)
    return Finding("Clock", State.OK, f"synchronised, error at most {clock.error_s:.3f} s")


def time_zone_finding() -> Finding:
    """Whether the time zone data know that Kazakhstan is UTC+5 since March 2024."""
    offset = datetime(2025, 1, 1, tzinfo=UTC).astimezone(time_zone("Asia/Almaty")).utcoffset()
    found = f"tzdata {installed_version('tzdata')}, Asia/Almaty is UTC+{(offset.seconds if offset else 0) // 3600}"
    if offset is None or offset.seconds != 5 * 3600:
        return Finding("Time zones", State.BAD, found, "Install the locked tzdata: run make demo.")
    return Finding("Time zones", State.OK, found)


def files_finding(limits: tuple[int, int]) -> Finding:
    """Open files: each camera needs a socket and a file, each viewer a socket."""
    soft, hard = limits
    found = f"{soft} (could be raised to {hard})"
    if 0 <= soft < FILES_TO_RUN:
        return Finding("Open files", State.BAD, found, f"Run: ulimit -n {FILES_FOR_MANY}")
    if 0 <= soft < FILES_FOR_MANY:
        return Finding(
            "Open files", State.WARN, found, f"Enough for a trial; for many viewers: ulimit -n {FILES_FOR_MANY}"
        )
    return Finding("Open files", State.OK, found)


def port_finding(port: int) -> Finding:
    """Whether the port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            remedy = "Stop the program that holds it, or choose another port in the settings."
            return Finding(f"Port {port}", State.WARN, error.strerror or "taken", remedy)
    return Finding(f"Port {port}", State.OK, "free")


def peer_finding(peer: Peer) -> Finding:
    """Whether a test peer runs."""
    remedy = f"apt-get install --no-install-recommends {' '.join(peer.packages)}"
    try:
        ran = subprocess.run(  # noqa: S603 - the fixed commands above
            peer.command, capture_output=True, text=True, timeout=PEER_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(peer.name, State.BAD, type(error).__name__, remedy, Need.TESTS)
    told = (ran.stdout or ran.stderr).strip().splitlines()
    if ran.returncode:
        return Finding(peer.name, State.BAD, told[-1] if told else f"exit {ran.returncode}", remedy, Need.TESTS)
    found = re.sub(r" Copyright.*| built on.*", "", told[0]).strip() if told else "runs"
    return Finding(peer.name, State.OK, found, need=Need.TESTS)
