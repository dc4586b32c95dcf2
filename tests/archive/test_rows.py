"""Rows in any order give the same answers, and joined spans are exactly the footage."""

from archive_box import START, Box
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aigaq.archive import rows, store
from aigaq.archive.coverage import tile
from aigaq.archive.model import Kind, Row, SpanState, StreamKey
from aigaq.archive.store import Database
from aigaq_verify import GapCause, leaf_hash

KEY = StreamKey("example-001", "desk", "sub")
DAY = (START - 60_000, START + 600_000)


def row_of(sealed):
    r = sealed.record
    segment = hasattr(r, "start_ms")
    return Row(
        *KEY, r.seq, Kind.SEGMENT if segment else Kind.GAP, r.start_ms if segment else r.from_ms,
        r.end_ms if segment else r.to_ms, None if segment else r.cause, leaf_hash(sealed.encoded), sealed.encoded,
        0, 1, b"", b"", None, 0, 0, b"", None,
    )  # fmt: skip


def story(box, steps):
    """What a box records: footage, and gaps that are open before they are closed."""
    at, made = START, []
    for step in steps:
        if step:
            made += box.segments(at, step)
            at += 2000 * step
        else:
            made += [box.gap(at, None, GapCause.NO_RTP), box.gap(at, at + 3000, GapCause.NO_RTP)]
            at += 3000
    return made


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_order_of_arrival_and_sealing_gives_the_same_coverage(tmp_path_factory, reel, data):
    folder = tmp_path_factory.mktemp("rows")
    box = Box("example-2027", "example-001", folder / "box", reel)
    made = story(box, data.draw(st.lists(st.integers(0, 3), min_size=1, max_size=6)))
    order = data.draw(st.permutations(range(len(made))))
    sealed_after = data.draw(st.integers(0, len(made)))
    hashes = [leaf_hash(s.encoded) for s in made]
    database = Database(folder / "a.sqlite")

    def arrive(connection):
        for count, number in enumerate(order):
            if count == sealed_after:
                rows.seal(connection, [rows.Sealed(KEY.station, 0, hashes)])
            assert not isinstance(rows.admit(connection, row_of(made[number]), made[number].record.prev), str)

    database.submit(arrive).result(20)
    islands, gaps = database.read_now(
        lambda c: (rows.islands(c, KEY.station, KEY.stream, *DAY), rows.gaps(c, KEY.station, KEY.stream, *DAY))
    )
    found = tile(islands, gaps, DAY, DAY[1])
    told = [s for s in found if s.state is not SpanState.MISSING]
    assert sum(s.to_ms - s.from_ms for s in told if s.state is SpanState.RECORDED) == sum(
        s.record.duration_ms for s in made if hasattr(s.record, "duration_ms")
    )
    assert sum(s.to_ms - s.from_ms for s in told) == told[-1].to_ms - told[0].from_ms
    assert told[0].from_ms == START
    if sealed_after < len(made):
        assert all(s.sealed for s in told)
        assert database.read_now(lambda c: c.execute(store.leaves.select()).all()) == []
    joined = database.read_now(lambda c: c.execute(store.spans.select()).all())
    assert len(joined) == len({s.from_ms for s in told if s.state is SpanState.RECORDED})
    database.close()
