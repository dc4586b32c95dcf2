"""Objects on disk and boxes in files."""

import errno
import os
import resource
import signal
import struct
import threading
from pathlib import Path

import pytest
from archive_box import START, Box, cut
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aigaq.archive.blobs import Blobs
from aigaq.archive.boxes import read_fragment, read_init
from aigaq.archive.errors import DiskFullError, StoreFailedError
from aigaq.archive.model import Kind, Row
from aigaq.archive.names import parse_segment_name, segment_name
from aigaq_verify import decode_record


def test_an_object_is_written_once(tmp_path):
    blobs = Blobs(tmp_path)
    blobs.put_once("a/b/c.m4s", b"bytes")
    blobs.put_once("a/b/c.m4s", b"bytes")
    with pytest.raises(StoreFailedError):
        blobs.put_once("a/b/c.m4s", b"other")
    assert blobs.get("a/b/c.m4s", 1, 3) == b"yte"
    assert blobs.get("a/b/c.m4s", 3, 99) == b"es"
    assert list(blobs.list()) == [("a/b/c.m4s", 5)]
    assert (blobs.size("a/b/c.m4s"), blobs.size("a/b/d.m4s")) == (5, None)
    blobs.remove(["a/b/c.m4s", "a/b/c.m4s"])
    assert list(blobs.list()) == []


def test_everything_is_synced_before_it_counts(tmp_path, monkeypatch):
    """File before name, name before return, new parents too."""
    seen = []
    real = {name: getattr(os, name) for name in ("fdatasync", "fsync")}

    def path_of(fd):
        return str(Path(f"/proc/self/fd/{fd}").readlink()).removeprefix(str(tmp_path))

    for name, call in real.items():
        monkeypatch.setattr(os, name, lambda fd, name=name, call=call: (seen.append((name, path_of(fd))), call(fd)))
    blobs = Blobs(tmp_path)
    blobs.put_once("x/y/one.m4s", b"1")
    assert [(n, p.split(".one")[0]) for n, p in seen] == [
        ("fdatasync", "/x/y/"),
        ("fsync", "/x/y"),
        ("fsync", "/x"),
        ("fsync", ""),
    ]
    seen.clear()
    blobs.put_once("x/y/two.m4s", b"2")
    assert [n for n, _ in seen] == ["fdatasync", "fsync"]


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFullError), (errno.EIO, StoreFailedError)])
@pytest.mark.parametrize("call", ["write", "fdatasync"])
def test_a_failing_disk_leaves_nothing_behind(tmp_path, monkeypatch, number, error, call):
    blobs = Blobs(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, call, lambda *_: (_ for _ in ()).throw(OSError(number, "no")))
        with pytest.raises(error):
            blobs.put_once("a.m4s", b"bytes")
    assert list(tmp_path.iterdir()) == []
    blobs.put_once("a.m4s", b"bytes")


def test_a_real_limit_on_file_size_is_a_full_disk(tmp_path):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    old = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(DiskFullError):
            Blobs(tmp_path).put_once("a.m4s", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, old)
    assert list(tmp_path.iterdir()) == []


def test_the_same_object_from_many_threads(tmp_path):
    blobs = Blobs(tmp_path)
    errors = []

    def put():
        try:
            blobs.put_once("a/b.m4s", b"same" * 1000)
        except StoreFailedError as error:
            errors.append(error)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (errors, list(blobs.list())) == ([], [("a/b.m4s", 4000)])


def test_the_name_of_a_segment_is_that_of_the_format(tmp_path, reel):
    record = Box("example-2027", "example-001", tmp_path, reel).segment(START + 123).record
    row = Row(
        record.station, record.camera, record.stream, record.seq, Kind.SEGMENT, record.start_ms, record.end_ms, None,
        b"", b"", 0, record.size, record.sha256, None, None, 0, 0, b"", None,
    )  # fmt: skip
    name = segment_name("example-2027", row)
    assert name == decode_record(record.encode()).object_name
    parsed = parse_segment_name(name)
    assert (parsed.election, parsed.key, parsed.seq) == ("example-2027", row.key, 0)
    for bad in ("", name + "x", name.replace("sub", "third"), "../" + name, name.replace("example-001", "..")):
        assert parse_segment_name(bad) is None


def test_an_init_tells_codec_and_size(reel, hevc_video):
    facts = read_init(reel.init)
    assert (facts.width, facts.height, facts.timescale) == (640, 360, 90_000)
    assert facts.codec.startswith("avc1.")
    hevc = read_init(cut(hevc_video).init)
    assert hevc.codec.startswith(("hvc1.1.6.L", "hev1.1.6.L"))
    assert (hevc.width, hevc.height) == (640, 360)


def test_a_fragment_tells_its_times(reel):
    part = read_fragment(reel.part(START, 0, opens=True))
    assert (part.start, part.duration, part.independent, part.opens_segment) == (START * 90, 45_000, True, True)
    part = read_fragment(reel.part(START, 1, opens=False))
    assert (part.independent, part.opens_segment) == (False, False)
    whole = read_fragment(b"".join(reel.parts(START)))
    assert (whole.start, whole.duration) == (START * 90, 180_000)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_hostile_boxes_are_value_errors_and_nothing_else(reel, data):
    source = data.draw(st.sampled_from([reel.init, reel.part(START, 0, opens=True)[:1500]]))
    hurt = bytearray(source)
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(hurt) - 5))
        hurt[at : at + 4] = data.draw(st.binary(min_size=4, max_size=4) | st.sampled_from([b"\xff" * 4, bytes(4)]))
    hurt = bytes(hurt)[: data.draw(st.integers(0, len(hurt)))]
    for read in (read_init, read_fragment):
        try:
            read(hurt)
        except ValueError:
            continue


def test_a_trun_that_claims_a_billion_samples_is_refused(reel):
    part = bytearray(reel.part(START, 0, opens=False))
    at = part.index(b"trun") + 8
    struct.pack_into(">I", part, at, 0xFFFF_FFFF)
    with pytest.raises(ValueError, match="trun"):
        read_fragment(bytes(part))
