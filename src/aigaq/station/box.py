"""What one running agent holds on disk: lock, keys, journal, spool and log, opened in the one order that is safe.

Opening finishes what the last stop interrupted, so that whoever holds a `Box` has rows that tile up to now.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from aigaq.base import Clock, utc_ms
from aigaq.ledger import StationLog
from aigaq.station.beacon import Beacons, load_beacons
from aigaq.station.errors import JournalBehindError, NoSpaceError
from aigaq.station.journal import Identity, Journal, JournalReader, Lock
from aigaq.station.recovery import Recovery, recover
from aigaq.station.settings import StationSettings
from aigaq.station.signing import Session, StationKeys
from aigaq.station.spool import Spool
from aigaq.station.stream import StreamName, StreamWriter
from aigaq.station.writer import Writer
from aigaq_verify import GapCause

NOT_RUNNING = "the agent was not running"
NOT_WANTED = "the camera is not in the settings"


def journal_path(data: Path) -> Path:
    """Where the journal lies."""
    return data / "journal.sqlite"


def log_path(data: Path) -> Path:
    """Where the station log lies, in tlog-tiles layout."""
    return data / "log"


@dataclass(frozen=True, slots=True)
class Box:
    """Open until `close`."""

    keys: StationKeys
    session: Session
    """What it signs with when it is opened."""
    beacons: Beacons | None
    """Judges what the centre hands over; None without a trust file."""
    journal: Path
    spool: Spool
    writer: Writer
    reader: JournalReader
    streams: dict[StreamName, StreamWriter]
    recovery: Recovery
    close: Callable[[], None]

    @classmethod
    def open(cls, settings: StationSettings, clock: Clock) -> "Box":
        """Lock the data folder, check that it is ours, recover, and sign what was found.

        Raises:
            JournalLockedError: another agent runs on it.
            JournalForeignError: it belongs to another election, station or identity.
            KeyFileError: the identity or session key cannot be used.
            SettingsError: the trust file cannot be used.
            JournalBehindError: the log has signed more than the journal holds.
            NoSpaceError: a new recording would begin with too little room.
        """
        with ExitStack() as undo:
            box = _open(settings, clock, undo)
            undo.pop_all()
            return box


def _open(settings: StationSettings, clock: Clock, undo: ExitStack) -> Box:
    data, limits = settings.station.data, settings.limits
    data.mkdir(parents=True, exist_ok=True)
    lock = Lock(data / "lock")
    lock.acquire()
    undo.callback(lock.release)
    keys = StationKeys(settings)
    session = keys.session(utc_ms(clock))
    station, election = settings.station.id, settings.station.election
    identity = Identity(election, station, settings.origin, keys.fingerprint)
    journal = Journal.open(journal_path(data), identity)
    undo.callback(journal.close)
    reader = JournalReader(journal_path(data))
    undo.callback(reader.close)
    spool = Spool(data, election, station, reserve_bytes=limits.reserve_mb << 20)
    if journal.size == 0:
        _require_room(settings, spool)
    spool.prepare()
    station_log = StationLog.open(log_path(data), settings.origin, session.key, keys.all())
    writer = Writer(spool, journal, station_log, clock, backlog_bytes=limits.backlog_mb << 20)
    if writer.sealed > journal.size:
        raise JournalBehindError(str(data), log=writer.sealed, journal=journal.size)
    beacons = load_beacons(settings, journal.beacon())
    if beacons and beacons.held:
        writer.book.beacon = (beacons.held.size, beacons.held.hash16)
    streams, recovery = _resume(settings, clock, journal, reader, spool, writer)
    closing = undo.pop_all()
    undo.callback(closing.close)
    return Box(keys, session, beacons, journal_path(data), spool, writer, reader, streams, recovery, closing.close)


def _require_room(settings: StationSettings, spool: Spool) -> None:
    hours = spool.free_bytes() / settings.bytes_per_hour
    if hours < settings.limits.min_free_hours:
        needed = settings.limits.min_free_hours
        raise NoSpaceError(str(settings.station.data), hours=f"{hours:.1f}", needed=f"{needed:g}")


def _resume(
    settings: StationSettings, clock: Clock, journal: Journal, reader: JournalReader, spool: Spool, writer: Writer
) -> tuple[dict[StreamName, StreamWriter], Recovery]:
    """Recover torn files, then say for every stream where it stands."""
    ends = journal.stream_ends()
    station = settings.station
    streams: dict[StreamName, StreamWriter] = {}

    def stream_of(camera: str, stream: str) -> StreamWriter:
        name = StreamName(station.election, station.id, camera, stream)
        if name not in streams:
            end = ends.get((camera, stream))
            streams[name] = StreamWriter(name, spool, writer.book, end, sync_parts=settings.limits.sync_parts)
        return streams[name]

    wanted = {stream_of(c.id, name).name for c in settings.cameras for name in ("main", "sub") if getattr(c, name)}
    for camera, stream in ends:
        stream_of(camera, stream)
    recovery = recover(spool, reader, stream_of)
    now_ms, alive_ms = utc_ms(clock), journal.alive_ms()
    for name, stream in streams.items():
        stream.restarted(now_ms, alive_ms, NOT_RUNNING)
        if name not in wanted:
            stream.stopped(now_ms, GapCause.OPERATOR, NOT_WANTED)
    writer.seal()
    journal.offer_refused_again()
    return {name: stream for name, stream in streams.items() if name in wanted}, recovery
