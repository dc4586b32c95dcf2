"""From films to reading folders: everything that is shown is listed, and the same bytes come out whatever happens."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.conftest import runner
from tests.recount.conftest import SmallCount
from tests.recount.sealed import LENGTH_MS, START_MS, pack, seal

from aigaq.base import AigaqError, Progress, SystemClock
from aigaq.recount.errors import FilmClipError, FilmEmptyError, FilmUnreadableError, FolderInUseError
from aigaq.recount.files import WORK, kept_styles, read_reading
from aigaq.recount.model import Count, GapKind, Outcome, Why
from aigaq.recount.reading import parts
from aigaq.recount.reading.count import Order, read_films
from aigaq.recount.reading.second import WEIGHTS_SHA256
from aigaq.recount.reading.source import films_of, open_film, segments_between
from aigaq.recount.styles import load_style

pytestmark = pytest.mark.timeout(400)


def read(film: Path, small: SmallCount, out: Path, *, processes: int = 1) -> Count | AigaqError:
    orders = [Order(open_film([film]), small.styles, out)]
    ((_, answer),) = read_films(orders, processes=processes, clock=SystemClock())
    return answer


def whole(answer: Count | AigaqError) -> Count:
    assert isinstance(answer, Count), answer
    return answer


def files_of(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in sorted(folder.rglob("*"))
        if p.is_file()
    }


@pytest.fixture(scope="module")
def folder(small_count: SmallCount, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small count, read in one go."""
    out = tmp_path_factory.mktemp("read") / "reading"
    whole(read(small_count.film, small_count, out))
    return out


def test_every_ballot_is_listed_and_none_is_read_wrong(folder: Path, small_count: SmallCount) -> None:
    count = read_reading(folder)
    truth = small_count.truth["presentations"]
    assert len(count.readings) == len(truth)
    for reading, one in zip(count.readings, truth, strict=True):
        assert one["from_s"] - 0.5 < reading.from_s < reading.to_s < one["to_s"] + 0.5
        assert reading.style == one["style"]
        assert reading.choice in {None, one["valid_choice"]}
        assert reading.frames
    assert any(r.outcome is Outcome.AUTOMATIC for r in count.readings)


def test_the_folder_tells_what_it_was_made_of(folder: Path, small_count: SmallCount) -> None:
    count = read_reading(folder)
    assert count.source.sha256 == hashlib.sha256(small_count.film.read_bytes()).hexdigest()
    assert (count.source.width, count.source.height, count.source.segments) == (1280, 720, ())
    assert count.maker.weights_sha256 == WEIGHTS_SHA256
    assert count.maker.styles == {load_style(s).style.id: load_style(s).sha256 for s in small_count.styles}
    assert set(kept_styles(folder, count)) == set(count.maker.styles)
    assert not (folder / WORK).exists()


def test_a_second_run_takes_what_is_there(folder: Path, small_count: SmallCount) -> None:
    before = files_of(folder)
    told: list[Progress] = []
    orders = [Order(open_film([small_count.film]), small_count.styles, folder)]
    ((_, answer),) = read_films(orders, processes=1, clock=SystemClock(), progress=told.append)
    assert answer == read_reading(folder)
    assert all(p.total == 0 for p in told)
    assert files_of(folder) == before


def test_another_film_or_style_never_overwrites(folder: Path, small_count: SmallCount) -> None:
    one_style = Order(open_film([small_count.film]), small_count.styles[:1], folder)
    ((_, answer),) = read_films([one_style], processes=1, clock=SystemClock())
    assert isinstance(answer, FolderInUseError)


@pytest.fixture(scope="module")
def in_parts(small_count: SmallCount, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, in two parts and two processes."""
    out = tmp_path_factory.mktemp("parts") / "reading"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parts, "PART_S", 5.0)
        patch.setattr(parts, "OVERLAP_S", 2.5)
        whole(read(small_count.film, small_count, out, processes=2))
    return out


def test_parts_in_many_processes_give_what_one_gives(folder: Path, in_parts: Path) -> None:
    once, parted = read_reading(folder).readings, read_reading(in_parts).readings
    assert [r.style for r in parted] == [r.style for r in once]
    assert all(a.choice == b.choice or None in {a.choice, b.choice} for a, b in zip(parted, once, strict=True))
    assert all(abs(a.from_s - b.from_s) < 0.5 for a, b in zip(parted, once, strict=True))


SCRIPT = """
import sys
from pathlib import Path
from aigaq.base import SystemClock
from aigaq.recount.reading import parts
from aigaq.recount.reading.count import Order, read_films
from aigaq.recount.reading.source import open_film
if __name__ == "__main__":
    parts.PART_S, parts.OVERLAP_S = 5.0, 2.5
    order = Order(open_film([Path(sys.argv[1])]), tuple(map(Path, sys.argv[3:])), Path(sys.argv[2]))
    for _, answer in read_films([order], processes=1, clock=SystemClock()):
        if isinstance(answer, Exception):
            raise answer
"""


def test_a_killed_run_goes_on_and_ends_with_the_same_bytes(
    small_count: SmallCount, in_parts: Path, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    out = tmp_path / "out"
    words = [sys.executable, str(script), str(small_count.film), str(out), *map(str, small_count.styles)]
    first = subprocess.Popen(words, env={**os.environ}, stderr=subprocess.DEVNULL)
    while first.poll() is None and not list(out.glob(f"{WORK}/*/part.json")):
        time.sleep(0.05)
    first.send_signal(signal.SIGKILL)
    first.wait()
    (done,) = out.glob(f"{WORK}/*/part.json")
    kept = done.stat().st_mtime_ns
    assert not (out / "reading.json").exists()
    again = subprocess.Popen(words)
    while again.poll() is None and not (out / "reading.json").exists():
        assert not done.exists() or done.stat().st_mtime_ns == kept, "what was done is not done again"
        time.sleep(0.02)
    assert again.wait() == 0
    assert files_of(out) == files_of(in_parts)


def test_sealed_footage_is_bound_by_its_hashes_and_holes_are_never_bridged(
    small_count: SmallCount, tmp_path: Path
) -> None:
    clip = seal(small_count.film, tmp_path / "sealed", runner("ffmpeg"), missing={1})
    film = open_film([clip])
    media = [p.read_bytes() for n, p in enumerate(sorted((tmp_path / "sealed").glob("*.m4s"))) if n != 1]
    assert film.source.segments == tuple(hashlib.sha256(m).hexdigest() for m in media)
    assert (film.source.sha256, film.source.start_ms) == ("", START_MS)
    ((_, answer),) = read_films([Order(film, small_count.styles, tmp_path / "out")], processes=1, clock=SystemClock())
    count = whole(answer)
    (hole,) = [g for g in count.gaps if g.kind is GapKind.MISSING]
    assert hole.from_s == pytest.approx(2, abs=0.2)
    assert hole.to_s == pytest.approx(4, abs=0.2)
    beside = [r for r in count.readings if r.from_s < hole.to_s + 0.5 and r.to_s > hole.from_s - 0.5]
    assert beside
    assert all(r.outcome is Outcome.HUMAN and r.why[0] is Why.NEAR_GAP for r in beside)
    assert any(r.from_s > 6 for r in count.readings), "what comes after the hole is read"


def test_segments_of_a_moment_are_given_with_their_beginning(small_count: SmallCount, tmp_path: Path) -> None:
    clip = seal(small_count.film, tmp_path / "sealed", runner("ffmpeg"))
    given = list(segments_between(clip, "", START_MS + 2500, START_MS + 4500))
    assert [name.split("/")[0] for name, _ in given] == ["init", "segments", "segments"]
    assert str(START_MS + LENGTH_MS) in given[1][0]


def test_a_segment_that_is_not_what_was_sealed_is_refused(small_count: SmallCount, tmp_path: Path) -> None:
    clip = seal(small_count.film, tmp_path / "sealed", runner("ffmpeg"))
    with zipfile.ZipFile(clip) as package:
        files = {name: package.read(name) for name in package.namelist()}
    last = max(name for name in files if name.startswith("segments/"))
    files[last] = files[last][:-1] + bytes([files[last][-1] ^ 1])
    forged = pack(files, tmp_path / "forged.zip")
    order = Order(open_film([forged]), small_count.styles, tmp_path / "out")
    ((_, answer),) = read_films([order], processes=1, clock=SystemClock())
    assert isinstance(answer, FilmClipError)
    assert not (tmp_path / "out" / "reading.json").exists()


def test_clips_of_one_camera_are_one_film_and_of_two_are_two(small_count: SmallCount, tmp_path: Path) -> None:
    one = seal(small_count.film, tmp_path / "a", runner("ffmpeg"))
    other = seal(small_count.film, tmp_path / "b", runner("ffmpeg"), camera="table-2")
    films, broken = films_of([other, one])
    assert sorted(f.source.name for f in films) == ["example/0001/table-1/main", "example/0001/table-2/main"]
    assert not broken
    films, broken = films_of([one, one])
    assert not films
    ((_, error),) = broken
    assert isinstance(error, FilmClipError)
    assert "overlap" in str(error)


def noise(path: Path) -> None:
    path.write_bytes(os.urandom(4000))


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def zipped(path: Path) -> None:
    pack({"letter.txt": b"dear"}, path)


@pytest.mark.parametrize(("make", "error"), [(noise, FilmUnreadableError), (nothing, FilmUnreadableError),
                                             (zipped, FilmClipError)])  # fmt: skip
def test_what_is_no_film_is_told_and_spares_the_others(
    make: Callable[[Path], None], error: type[AigaqError], small_count: SmallCount, tmp_path: Path
) -> None:
    make(tmp_path / "broken.mp4")
    films, broken = films_of([tmp_path / "broken.mp4", small_count.film])
    assert [f.source.name for f in films] == ["film.mp4"]
    ((path, told),) = broken
    assert path == tmp_path / "broken.mp4"
    assert isinstance(told, error)


def test_a_film_without_a_picture_is_no_count(small_count: SmallCount, tmp_path: Path) -> None:
    """Its head is whole, its pictures are not."""
    data = bytearray(small_count.film.read_bytes())
    begin = data.index(b"mdat") + 4
    end = data.rindex(b"moov") - 4 if data.rindex(b"moov") > begin else len(data)
    data[begin:end] = bytes(end - begin)
    (tmp_path / "dark.mp4").write_bytes(data)
    answer = read(tmp_path / "dark.mp4", small_count, tmp_path / "out")
    assert isinstance(answer, FilmEmptyError | FilmUnreadableError)
    assert not (tmp_path / "out" / "reading.json").exists()


def test_a_film_without_ballots_gives_an_empty_count(tmp_path: Path, small_count: SmallCount) -> None:
    runner("ffmpeg")("-v", "error", "-f", "lavfi", "-i", "color=gray:size=640x360:rate=10", "-t", 3, tmp_path / "x.mp4")
    count = whole(read(tmp_path / "x.mp4", small_count, tmp_path / "out"))
    assert count.readings == ()
    assert json.loads((tmp_path / "out" / "reading.json").read_text())["readings"] == []
