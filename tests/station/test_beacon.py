"""The beacon: believed by the trust file alone, never older, in every record from then on, after a restart too."""

import asyncio
import json
import threading

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from station_bench import T0, FakeCenter, Rig, settings_for
from tests.proof_lab import Lab

from aigaq.base import ManualClock, SettingsError
from aigaq.ledger import SigningKey
from aigaq.ledger.monitor import ForkProof
from aigaq.station.alarms import Alarms
from aigaq.station.beacon import Beacons, ForkSeenError, load_beacons
from aigaq.station.center import Center
from aigaq.station.errors import NoBeaconError
from aigaq.station.follow import BeaconFollower
from aigaq_verify import parse_policy

ORIGIN = "log.example/e1"


def lab_of(leaves: int = 1, *, seed: int = 1, salt: bytes = b"", origin: str = ORIGIN) -> Lab:
    lab = Lab(witnesses=3, origin=origin, seed=seed)
    for n in range(leaves):
        lab.append(b"leaf %d" % n + salt)
    return lab


def beacons_of(lab: Lab) -> Beacons:
    return Beacons(parse_policy(lab.trust().encode()), ORIGIN)


def test_a_newer_one_is_taken_and_an_older_one_is_not():
    lab = lab_of()
    old = lab.publish(T0)
    lab.append(b"more")
    new = lab.publish(T0 + 10_000)
    beacons = beacons_of(lab)
    assert beacons.offer(old).size == 2
    taken = beacons.offer(new)
    assert (taken.size, taken.hash16, len(taken.digest)) == (4, taken.digest[:16], 32)
    assert taken.witnessed_ms in range(T0 + 10_000, T0 + 12_000)
    assert beacons.offer(old) is None
    assert beacons.offer(new) is None
    assert beacons.held == taken


def test_the_same_tree_cosigned_again_is_younger():
    lab = lab_of()
    beacons = beacons_of(lab)
    beacons.offer(lab.publish(T0))
    again = lab.publish(T0 + 60_000)
    assert beacons.offer(again).note == again


@pytest.mark.parametrize(
    "make",
    [
        lambda lab: lab.publish(T0, cosigners=[0]),
        lambda lab: lab.publish(T0, cosigners=[]),
        lambda lab: lab_of(seed=9).publish(T0),
        lambda lab: lab_of(origin="log.example/other").publish(T0),
        lambda lab: lab.publish(T0).replace(b"log.example/e1\n2\n", b"log.example/e1\n3\n"),
        lambda lab: b"",
        lambda lab: b"\xff" * 300,
        lambda lab: b"x" * (200 << 10),
    ],
    ids=["one of three", "no witness", "another key", "another log", "changed", "empty", "garbage", "huge"],
)
def test_what_has_no_quorum_of_ours_is_no_beacon(make):
    lab = lab_of()
    beacons = beacons_of(lab)
    with pytest.raises(NoBeaconError):
        beacons.offer(make(lab))
    assert beacons.held is None


def test_another_log_of_the_same_key_is_no_beacon():
    lab = lab_of(origin="log.example/other")
    with pytest.raises(NoBeaconError, match="another log"):
        beacons_of(lab).offer(lab.publish(T0))


def test_no_quorum_asked_for_gives_no_beacon():
    lab = Lab(witnesses=0, origin=ORIGIN)
    lab.append(b"leaf")
    with pytest.raises(NoBeaconError):
        beacons_of(lab).offer(lab.publish(T0))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=12))
def test_held_never_goes_back_and_a_fork_is_seen(offers):
    """However two histories are offered in turn: sizes only grow, and two roots of one size are never both taken."""
    branches = [lab_of(salt=bytes([side])) for side in (0, 1)]
    notes = {}
    for round_ in range(5):
        for side, lab in enumerate(branches):
            notes[round_, side] = lab.publish(T0 + round_)
            lab.append(b"more")
    beacons, roots = beacons_of(branches[0]), {}
    for round_, side in offers:
        before, size = beacons.held, 2 * round_ + 2
        if size in roots and roots[size] != side and before.size == size:
            with pytest.raises(ForkSeenError):
                beacons.offer(notes[round_, side])
            assert beacons.held == before
        elif taken := beacons.offer(notes[round_, side]):
            assert before is None or taken.size > before.size
            roots[taken.size] = side


@pytest.fixture
def lab():
    return lab_of()


@pytest.fixture
def settled(tmp_path, lab):
    (tmp_path / "policy.txt").write_text(lab.trust())
    center_key = SigningKey.create(tmp_path / "center.key").vkey("center.example")
    center = {"url": "http://127.0.0.1:9", "vkey": center_key, "trust": tmp_path / "policy.txt"}
    return settings_for(tmp_path, center=center)


async def test_records_name_it_from_then_on_and_after_a_restart(settled, lab, tmp_path):
    clock = ManualClock(T0)
    async with FakeCenter(tmp_path / "center", settled) as center, httpx2.AsyncClient(timeout=5) as http:
        rig, alarms = Rig(settled, clock), Alarms(clock)
        reach = Center(center.url, "s1", rig.box.session.key, http)
        follower = BeaconFollower(reach, rig.box.beacons, rig.box.writer, clock, alarms, settled.station.data)
        thread = threading.Thread(target=rig.box.writer.run)
        thread.start()
        assert await follower.ask() == "the centre has published none yet"
        rig.box.writer.post(lambda: rig.segment(T0))
        center.witnessed = lab.publish(T0)
        assert await follower.ask()
        rig.box.writer.post(lambda: rig.segment(T0 + 2000))
        rig.box.writer.close()
        thread.join()
    held = rig.box.beacons.held
    names = [(record.beacon_size, record.beacon_hash16) for record in rig.records()]
    assert names == [(0, bytes(16)), (2, held.hash16)]
    rig.kill()
    rig.start()
    assert rig.box.beacons.held == held
    assert {record.beacon_size for record in rig.records()[2:]} == {2}
    rig.box.writer.seal()
    assert rig.check() == []


async def test_a_fork_rings_and_leaves_a_proof_that_a_monitor_reads(settled, lab, tmp_path):
    clock = ManualClock(T0)
    async with FakeCenter(tmp_path / "center", settled) as center, httpx2.AsyncClient(timeout=5) as http:
        rig, alarms = Rig(settled, clock), Alarms(clock)
        reach = Center(center.url, "s1", rig.box.session.key, http)
        follower = BeaconFollower(reach, rig.box.beacons, rig.box.writer, clock, alarms, settled.station.data)
        center.witnessed = lab.publish(T0)
        await follower.ask()
        held = rig.box.beacons.held
        center.witnessed = lab_of(salt=b"!").publish(T0 + 10_000)
        for _ in range(2):
            assert await follower.ask() == "the log has forked"
        assert {alarm.explanation.code for alarm in alarms} == {"station.beacon_fork"}
        assert rig.box.beacons.held == held
        rig.kill()
        again = Alarms(clock)
        task = asyncio.create_task(
            BeaconFollower(reach, rig.box.beacons, rig.box.writer, clock, again, settled.station.data).run()
        )
        while not list(again):
            await asyncio.sleep(0)
        task.cancel()
    (proof,) = (settled.station.data / "forks").iterdir()
    first, second = ForkProof.parse(proof.read_bytes()).verify([lab.key.vkey])
    assert (first.size, second.size) == (2, 2)
    assert first.root != second.root
    assert "station.beacon_fork" in {alarm.explanation.code for alarm in again}


@pytest.mark.parametrize(
    ("mood", "said"),
    [("503 trouble", "503"), ("garbage", "503"), ("404 none", "published none"), ("huge", "more than")],
)
async def test_what_the_centre_says_instead(settled, lab, tmp_path, mood, said):
    clock = ManualClock(T0 + 120_000)
    async with FakeCenter(tmp_path / "center", settled) as center, httpx2.AsyncClient(timeout=5) as http:
        rig, alarms = Rig(settled, clock), Alarms(clock)
        center.witnessed = b"x" * (1 << 20)
        center.mood.spared = ()
        center.mood.always = "" if mood == "huge" else mood
        reach = Center(center.url, "s1", rig.box.session.key, http)
        follower = BeaconFollower(reach, rig.box.beacons, rig.box.writer, clock, alarms, settled.station.data)
        assert said in await follower.ask()
        assert rig.box.beacons.held is None
        rig.kill()


async def test_an_old_beacon_is_an_alarm_until_there_is_a_newer_one(settled, lab, tmp_path):
    clock = ManualClock(T0 + 120_000)
    async with FakeCenter(tmp_path / "center", settled) as center, httpx2.AsyncClient(timeout=5) as http:
        rig, alarms = Rig(settled, clock), Alarms(clock)
        center.witnessed = lab.publish(T0)
        reach = Center(center.url, "s1", rig.box.session.key, http)
        follower = BeaconFollower(reach, rig.box.beacons, rig.box.writer, clock, alarms, settled.station.data)
        task = asyncio.create_task(follower.run())
        async with asyncio.timeout(20):
            while not list(alarms):
                await asyncio.sleep(0.01)
            (alarm,) = alarms
            assert alarm.explanation.code == "station.no_beacon"
            lab.append(b"more")
            center.witnessed = lab.publish(T0 + 100_000_000)
            while list(alarms):
                await asyncio.sleep(0.01)
        task.cancel()
        rig.kill()


def test_a_trust_file_that_cannot_be_used(settled, tmp_path):
    (tmp_path / "policy.txt").write_text("quorum nobody\n")
    with pytest.raises(SettingsError, match="line 1"):
        load_beacons(settled, None)
    (tmp_path / "policy.txt").unlink()
    with pytest.raises(SettingsError):
        load_beacons(settled, None)


def test_a_kept_beacon_counts_only_by_the_present_trust_file(settled, tmp_path, lab):
    note = lab.publish(T0)
    assert load_beacons(settled, note).held.note == note
    (tmp_path / "policy.txt").write_text(lab_of(seed=9).trust())
    assert load_beacons(settled, note).held is None


def test_fsck_sees_a_beacon_that_goes_back(tmp_path):
    rig = Rig(settings_for(tmp_path), ManualClock(T0))
    for n, size in enumerate((5, 0, 3)):
        rig.box.writer.book.beacon = (size, bytes(16))
        rig.segment(T0 + 2000 * n)
    rig.box.writer.seal()
    assert [p.kind for p in rig.check()] == ["beacon"]
    assert json.dumps([p.what for p in rig.check()])
