"""What is asked of the tables: statements over a connection, nothing else."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Final

import sqlalchemy as sa

from aigaq.archive.model import STREAMS, InitFacts, Kind, Row, StreamKey
from aigaq.archive.store import alarms, doomed, inits, leaves, rows, spans, stations
from aigaq_verify import MAX_DURATION_MS, NO_HASH, GapCause, decode_record

_COLUMNS: Final = [rows.c[f.name] for f in fields(Row)]
_KIND: Final = [f.name for f in fields(Row)].index("kind")
_CAUSE: Final = [f.name for f in fields(Row)].index("cause")

# What every upload asks is built once: building costs more than running it.
_THIS: Final = sa.and_(*(rows.c[name] == sa.bindparam(name) for name in StreamKey._fields))
_NEAR: Final = sa.select(*_COLUMNS).where(_THIS, rows.c.seq.between(sa.bindparam("low"), sa.bindparam("high")))
_INSERT: Final = rows.insert()
_SEAL: Final = (
    rows.update()
    .where(rows.c.leaf == sa.bindparam("hash"), rows.c.station == sa.bindparam("owner"))
    .values(log_index=sa.bindparam("place"))
)
_HERE: Final = sa.and_(*(spans.c[name] == sa.bindparam(name) for name in StreamKey._fields))
_SPAN_BEFORE: Final = sa.select(spans).where(_HERE, spans.c.to_ms == sa.bindparam("edge")).limit(1)
_SPAN_AFTER: Final = sa.select(spans).where(_HERE, spans.c.from_ms == sa.bindparam("edge")).limit(1)
_SPAN_ADD: Final = spans.insert()
_SPAN_DROP: Final = spans.delete().where(spans.c.id == sa.bindparam("number"))
_SPAN_SET: Final = (
    spans.update()
    .where(spans.c.id == sa.bindparam("number"))
    .values(from_ms=sa.bindparam("begin"), to_ms=sa.bindparam("end"))
)
_WAITS: Final = (leaves.c.station == sa.bindparam("owner")) & (leaves.c.leaf == sa.bindparam("hash"))
_LEAF: Final = sa.select(leaves.c.log_index).where(_WAITS)
_LEAF_TAKEN: Final = leaves.delete().where(_WAITS)
_LEAF_WAITS: Final = leaves.insert()


@dataclass(frozen=True, slots=True)
class Island:
    """A stretch of footage; `sealed` unless another, which is not, tells of the same time."""

    camera: str
    from_ms: int
    to_ms: int
    sealed: bool


@dataclass(frozen=True, slots=True)
class Sealed:
    """Leaf hashes of a station's log from `start` on, all under its checkpoints."""

    station: str
    start: int
    hashes: Sequence[bytes]

    @property
    def end(self) -> int:
        """First index after them."""
        return self.start + len(self.hashes)


@dataclass(frozen=True, slots=True)
class Alone:
    """Segments of one stream and minute that are objects of their own."""

    key: StreamKey
    minute_ms: int


def _one(connection: sa.Connection, statement: sa.Select[Any]) -> Row | None:
    return next(iter(_all(connection, statement)), None)


def _all(connection: sa.Connection, statement: sa.Select[Any]) -> list[Row]:
    return [_as_row(found) for found in connection.execute(statement)]


def _as_row(found: sa.Row[Any]) -> Row:
    """Columns in the order of the fields; the plain values of two become their words."""
    values: list[Any] = list(found)
    values[_KIND] = Kind(values[_KIND])
    values[_CAUSE] = GapCause(values[_CAUSE]) if values[_CAUSE] else None
    return Row(*values)


def of_stream(key: StreamKey) -> sa.ColumnElement[bool]:
    """Rows of one stream."""
    return (rows.c.station == key.station) & (rows.c.camera == key.camera) & (rows.c.stream == key.stream)


def find(connection: sa.Connection, key: StreamKey, seq: int) -> Row | None:
    """The row with that number."""
    return _near(connection, key, seq, 0).get(seq)


def _near(connection: sa.Connection, key: StreamKey, seq: int, reach: int) -> dict[int, Row]:
    """A row and its neighbours, by number."""
    found = connection.execute(_NEAR, {**key._asdict(), "low": seq - reach, "high": seq + reach})
    return {row.seq: row for row in map(_as_row, found)}


def by_leaf(connection: sa.Connection, leaf: bytes) -> Row | None:
    """The row with that leaf hash."""
    return _one(connection, sa.select(*_COLUMNS).where(rows.c.leaf == leaf))


def by_sha256(connection: sa.Connection, sha256: bytes) -> Row | None:
    """A segment with these bytes."""
    return _one(connection, sa.select(*_COLUMNS).where(rows.c.sha256 == sha256).limit(1))


def at_time(connection: sa.Connection, station: str, camera: str, at_ms: int) -> list[Row]:
    """The rows of both streams of a camera that tell of a moment."""
    found: list[Row] = []
    for stream in STREAMS:
        found += interval_rows(connection, StreamKey(station, camera, stream), at_ms, at_ms + 1)
    return found


def admit(connection: sa.Connection, new: Row, prev: bytes) -> Row | str:
    """Insert a row that continues its neighbours; the code of the refusal if it does not.

    Replays return the row that is there.
    """
    near = _near(connection, new.key, new.seq, 1)
    there, before, after = near.get(new.seq), near.get(new.seq - 1), near.get(new.seq + 1)
    if there:
        return there if there.leaf == new.leaf else "archive.conflict"
    expected = NO_HASH if new.seq == 0 else before.leaf if before else prev
    if prev != expected or (after and decode_record(after.record).prev != new.leaf):
        return "archive.broken_chain"
    return _insert(connection, new, before, after)


def _insert(connection: sa.Connection, new: Row, before: Row | None, after: Row | None) -> Row:
    """An open gap ends, for every reader, where the next row of its stream begins."""
    end = after.start_ms if after and new.end_ms is None else new.end_ms
    index = _take_leaf(connection, new.station, new.leaf)
    values = {f.name: getattr(new, f.name) for f in fields(Row)}
    values |= {"end_ms": end, "log_index": index, "kind": int(new.kind), "cause": new.cause and str(new.cause)}
    connection.execute(_INSERT, values)
    if before and before.end_ms is None:
        here = of_stream(before.key) & (rows.c.seq == before.seq)
        connection.execute(rows.update().where(here).values(end_ms=max(before.start_ms, new.start_ms)))
    if new.kind is Kind.SEGMENT and end is not None:
        _join(connection, new.key, new.start_ms, end)
    return replace(new, end_ms=end, log_index=index)


def _join(connection: sa.Connection, key: StreamKey, from_ms: int, to_ms: int) -> None:
    """Add footage to the spans: lengthen the one that it touches, or join the two between which it lies."""
    left = connection.execute(_SPAN_BEFORE, {**key._asdict(), "edge": from_ms}).first()
    right = connection.execute(_SPAN_AFTER, {**key._asdict(), "edge": to_ms}).first()
    if left and right:
        connection.execute(_SPAN_DROP, {"number": right.id})
    if left:
        connection.execute(
            _SPAN_SET, {"number": left.id, "begin": left.from_ms, "end": right.to_ms if right else to_ms}
        )
    elif right:
        connection.execute(_SPAN_SET, {"number": right.id, "begin": from_ms, "end": right.to_ms})
    else:
        connection.execute(_SPAN_ADD, {**key._asdict(), "from_ms": from_ms, "to_ms": to_ms})


def _take_leaf(connection: sa.Connection, station: str, leaf: bytes) -> int | None:
    """The log index of a leaf that was sealed before its record came."""
    index = connection.execute(_LEAF, {"owner": station, "hash": leaf}).scalar()
    if index is not None:
        connection.execute(_LEAF_TAKEN, {"owner": station, "hash": leaf})
    return index


def seal(connection: sa.Connection, stretches: Iterable[Sealed]) -> None:
    """Mark the rows of these leaves sealed, and keep the leaves without a row."""
    for stretch in stretches:
        held = sealed_size(connection, stretch.station)
        skip = max(0, held - stretch.start)
        places = dict(zip(stretch.hashes[skip:], range(stretch.start + skip, stretch.end), strict=True))
        if places:
            _seal_new(connection, stretch.station, places)
            set_station(connection, stretch.station, sealed_size=stretch.end)


def _seal_new(connection: sa.Connection, station: str, places: Mapping[bytes, int]) -> None:
    connection.execute(_SEAL, [{"owner": station, "hash": leaf, "place": place} for leaf, place in places.items()])
    here = sa.select(rows.c.leaf).where(rows.c.leaf.in_(list(places)), rows.c.station == station)
    known = set(connection.execute(here).scalars())
    waiting = [{"station": station, "log_index": at, "leaf": leaf} for leaf, at in places.items() if leaf not in known]
    if waiting:
        connection.execute(_LEAF_WAITS, waiting)


def sealed_size(connection: sa.Connection, station: str) -> int:
    """How many leaves of the station's log the tables know to be sealed."""
    return connection.execute(sa.select(stations.c.sealed_size).where(stations.c.station == station)).scalar() or 0


def sealed_sizes(connection: sa.Connection, wanted: Sequence[str]) -> dict[str, int]:
    """As `sealed_size`, for many stations."""
    found: dict[str, int] = dict.fromkeys(wanted, 0)
    if len(wanted) < 500:
        chosen = sa.select(stations.c.station, stations.c.sealed_size).where(stations.c.station.in_(wanted))
    else:
        chosen = sa.select(stations.c.station, stations.c.sealed_size)
    found.update((station, size) for station, size in connection.execute(chosen) if station in found)
    return found


def set_station(connection: sa.Connection, station: str, **values: object) -> None:
    """Update what is kept once per station."""
    done = connection.execute(stations.update().where(stations.c.station == station).values(values))
    if not done.rowcount:
        connection.execute(stations.insert().values({"station": station, "sealed_size": 0} | values))


def add_init(connection: sa.Connection, sha256: bytes, facts: InitFacts, size: int) -> None:
    """Know an initialisation segment."""
    if get_init(connection, sha256) is None:
        values = {"codec": facts.codec, "width": facts.width, "height": facts.height, "timescale": facts.timescale}
        connection.execute(inits.insert().values(values | {"sha256": sha256, "size": size}))


def get_init(connection: sa.Connection, sha256: bytes) -> InitFacts | None:
    """What is known of an initialisation segment."""
    found = connection.execute(sa.select(inits).where(inits.c.sha256 == sha256)).first()
    return InitFacts(found.codec, found.width, found.height, found.timescale) if found else None


def add_alarm(connection: sa.Connection, station: str, code: str, record: bytes, signature: bytes, now_ms: int) -> None:
    """Keep a signed contradiction, once."""
    same = (alarms.c.station == station) & (alarms.c.code == code) & (alarms.c.record == record)
    if not connection.execute(sa.select(alarms.c.id).where(same)).first():
        values = {"code": code, "record": record, "signature": signature, "received_ms": now_ms}
        connection.execute(alarms.insert().values(values | {"station": station}))


def segments(connection: sa.Connection, key: StreamKey, from_ms: int, to_ms: int) -> list[Row]:
    """Segments of a stream that touch `[from_ms, to_ms)`, by time."""
    started = (rows.c.start_ms > from_ms - MAX_DURATION_MS) & (rows.c.start_ms < to_ms)
    statement = sa.select(*_COLUMNS).where(of_stream(key), rows.c.kind == int(Kind.SEGMENT), started)
    return _all(connection, statement.where(rows.c.end_ms > from_ms).order_by(rows.c.start_ms, rows.c.seq))


def gaps(connection: sa.Connection, station: str, stream: str, from_ms: int, to_ms: int) -> list[Row]:
    """Gaps of every camera of a station that touch the interval, by time; an open one ends at its successor."""
    here = (rows.c.station == station) & (rows.c.stream == stream) & (rows.c.kind == int(Kind.GAP))
    touches = rows.c.end_ms.is_(None) | (rows.c.end_ms > from_ms) | (rows.c.start_ms >= from_ms)
    statement = sa.select(*_COLUMNS).where(here, rows.c.start_ms < to_ms, touches)
    return [_ended(connection, r) for r in _all(connection, statement.order_by(rows.c.start_ms, rows.c.seq))]


def _ended(connection: sa.Connection, gap: Row) -> Row:
    """An open gap says nothing beyond the next row that is known, even if rows between have not arrived."""
    if gap.end_ms is not None:
        return gap
    later = sa.select(rows.c.start_ms).where(of_stream(gap.key), rows.c.seq > gap.seq).order_by(rows.c.seq).limit(1)
    start = connection.execute(later).scalar()
    if start is None:
        return gap
    return replace(gap, end_ms=max(gap.start_ms, start))


def islands(connection: sa.Connection, station: str, stream: str, from_ms: int, to_ms: int) -> list[Island]:
    """Recorded stretches of every camera of a station: those not sealed yet one by one, then all, joined."""
    where = (rows.c.station == station) & (rows.c.stream == stream) & (rows.c.kind == int(Kind.SEGMENT))
    touches = (rows.c.start_ms < to_ms) & (rows.c.end_ms > from_ms)
    one = sa.select(rows.c.camera, rows.c.start_ms, rows.c.end_ms).where(where, rows.c.log_index.is_(None), touches)
    fresh = [Island(*found, sealed=False) for found in connection.execute(one)]
    here = (spans.c.station == station) & (spans.c.stream == stream)
    touch = (spans.c.from_ms < to_ms) & (spans.c.to_ms > from_ms)
    every = sa.select(spans.c.camera, spans.c.from_ms, spans.c.to_ms).where(here, touch)
    return fresh + [Island(*found, sealed=True) for found in connection.execute(every)]


def interval_rows(connection: sa.Connection, key: StreamKey, from_ms: int, to_ms: int) -> list[Row]:
    """Every row of a stream from the first to the last that touches the interval, in journal order."""
    touching = [*segments(connection, key, from_ms, to_ms)]
    touching += [g for g in gaps(connection, key.station, key.stream, from_ms, to_ms) if g.camera == key.camera]
    if not touching:
        return []
    first, last = min(r.seq for r in touching), max(r.seq for r in touching)
    statement = sa.select(*_COLUMNS).where(of_stream(key), rows.c.seq.between(first, last)).order_by(rows.c.seq)
    return _all(connection, statement)


def bounds(connection: sa.Connection, station: str) -> tuple[int, int] | None:
    """Begin of the first and end of the last footage of a station."""
    ends = sa.select(sa.func.min(spans.c.from_ms), sa.func.max(spans.c.to_ms)).where(spans.c.station == station)
    first, last = connection.execute(ends).one()
    return None if first is None else (first, last)


def span_lengths(connection: sa.Connection) -> dict[StreamKey, int]:
    """Milliseconds of footage of each stream, by the joined spans."""
    keys = (spans.c.station, spans.c.camera, spans.c.stream)
    sums = sa.select(*keys, sa.func.sum(spans.c.to_ms - spans.c.from_ms)).group_by(*keys)
    return {StreamKey(*key): length for *key, length in connection.execute(sums)}


def newest_segment(connection: sa.Connection, key: StreamKey, before_ms: int, *, sealed: bool) -> Row | None:
    """The last segment of a stream that starts at or before a time."""
    statement = sa.select(*_COLUMNS).where(of_stream(key), rows.c.kind == int(Kind.SEGMENT))
    if sealed:
        statement = statement.where(rows.c.log_index.is_not(None))
    statement = statement.where(rows.c.start_ms <= before_ms).order_by(rows.c.start_ms.desc()).limit(1)
    return _one(connection, statement)


def count(connection: sa.Connection) -> int:
    """How many rows there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(rows)).scalar_one()


def page(connection: sa.Connection, after: StreamKey, after_seq: int, limit: int) -> list[Row]:
    """All rows, stream by stream and by number, a page at a time."""
    place = sa.tuple_(rows.c.station, rows.c.camera, rows.c.stream, rows.c.seq)
    statement = sa.select(*_COLUMNS).where(place > sa.tuple_(*after, after_seq))
    ordered = statement.order_by(rows.c.station, rows.c.camera, rows.c.stream, rows.c.seq).limit(limit)
    return _all(connection, ordered)


def last_rows(connection: sa.Connection) -> list[Row]:
    """The last row of every stream."""
    keys = (rows.c.station, rows.c.camera, rows.c.stream)
    last = sa.select(*keys, sa.func.max(rows.c.seq).label("seq")).group_by(*keys).subquery()
    same = [rows.c[name] == last.c[name] for name in ("station", "camera", "stream", "seq")]
    return _all(connection, sa.select(*_COLUMNS).join_from(rows, last, sa.and_(*same)))


def alone(connection: sa.Connection, before_ms: int, limit: int) -> list[Alone]:
    """Stream minutes that end before a time and have more than one segment object of their own, oldest first."""
    minute = rows.c.start_ms - rows.c.start_ms % 60_000
    keys = (rows.c.station, rows.c.camera, rows.c.stream, minute.label("minute"))
    single = rows.c.bundle.is_(None) & (rows.c.kind == int(Kind.SEGMENT)) & (minute <= before_ms - 60_000)
    many = sa.select(*keys).where(single).group_by(*keys).having(sa.func.count() > 1)
    found = connection.execute(many.order_by(sa.text("minute")).limit(limit))
    return [Alone(StreamKey(r.station, r.camera, r.stream), r.minute) for r in found]


def minute_rows(connection: sa.Connection, one: Alone) -> list[Row]:
    """The segments of that minute that are still objects of their own, by number."""
    starts = rows.c.start_ms.between(one.minute_ms, one.minute_ms + 59_999)
    single = rows.c.bundle.is_(None) & (rows.c.kind == int(Kind.SEGMENT))
    statement = sa.select(*_COLUMNS).where(of_stream(one.key), single, starts).order_by(rows.c.seq)
    return _all(connection, statement)


def is_complete(connection: sa.Connection, one: Alone) -> bool:
    """Whether every row from before the minute to after it has been received."""
    end = one.minute_ms + 60_000
    here = of_stream(one.key)
    before = sa.select(sa.func.max(rows.c.seq)).where(here, rows.c.start_ms < one.minute_ms).scalar_subquery()
    after = sa.select(sa.func.min(rows.c.seq)).where(here, rows.c.start_ms >= end).scalar_subquery()
    first, last = connection.execute(sa.select(sa.func.coalesce(before, 0), after)).one()
    if last is None:
        return False
    count = sa.select(sa.func.count()).where(here, rows.c.seq.between(first, last))
    return connection.execute(count).scalar_one() == last - first + 1


def move(connection: sa.Connection, moved: Iterable[tuple[Row, int]], bundle: str, names: Iterable[str]) -> None:
    """Say that these segments now lie in a minute object, and that their own objects may go: one transaction."""
    for row, at in moved:
        here = of_stream(row.key) & (rows.c.seq == row.seq)
        connection.execute(rows.update().where(here).values(bundle=bundle, at=at))
    connection.execute(doomed.insert(), [{"name": name} for name in names])


def doomed_names(connection: sa.Connection) -> list[str]:
    """Objects that may go."""
    return list(connection.execute(sa.select(doomed.c.name)).scalars())


def forget_doomed(connection: sa.Connection, names: Sequence[str]) -> None:
    """They are gone."""
    connection.execute(doomed.delete().where(doomed.c.name.in_(names)))
