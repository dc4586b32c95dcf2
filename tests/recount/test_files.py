"""The reading folder: the same back again, and nothing accepted that is not right."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.recount.truth_folder import count_of_truth, folder_of_truth, pictures, truth

from aigaq.recount.errors import (
    FolderError,
    FolderInUseError,
    FolderMissingError,
    FolderNotWrittenError,
    FolderPictureError,
    FolderUnfinishedError,
    FolderWrongError,
)
from aigaq.recount.files import (
    FILE,
    Pictures,
    ReadingWriter,
    ballot_folder,
    count_text,
    parse_count,
    picture_names,
    problems,
    read_reading,
    write_reading,
)
from aigaq.recount.model import (
    BoxReading,
    Count,
    Frame,
    Gap,
    GapKind,
    Maker,
    Outcome,
    Reading,
    Source,
    Why,
)

FILM = truth("1", "2", "several", "hidden", "1=0", "back", "other", None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder_of_truth(FILM, tmp_path / "reading")
    return tmp_path / "reading"


def test_a_folder_gives_back_what_was_written(folder: Path) -> None:
    count = count_of_truth(FILM)
    assert read_reading(folder) == count
    assert [r.outcome.value for r in count.readings] == ["automatic"] * 2 + ["flagged", "human", "automatic"] + [
        "human",
        "human",
        "flagged",
    ]
    for reading in count.readings:
        there = {p.name for p in ballot_folder(folder, reading.n).iterdir()}
        assert there == set(picture_names(reading))


def test_the_same_count_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        folder_of_truth(FILM, tmp_path / name)
    files = sorted(p.relative_to(tmp_path / "a") for p in (tmp_path / "a").rglob("*") if p.is_file())
    assert len(files) > 20
    assert all((tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in files)


# --- any count at all ---

seconds = st.integers(0, 10_000).map(lambda ms: ms / 1000)
share = st.floats(0, 1)
ids = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?", fullmatch=True)
frame = st.builds(Frame, seconds, st.tuples(*[st.tuples(*[st.floats(-1e4, 1e4)] * 2)] * 4))
sha = st.from_regex(r"[0-9a-f]{64}", fullmatch=True)


@st.composite
def counts(draw: st.DrawFn) -> Count:
    styles = draw(st.dictionaries(ids, sha, min_size=1, max_size=3))
    times = sorted(draw(st.lists(st.tuples(seconds, seconds), max_size=4)))
    readings: list[Reading] = []
    for n, (start, length) in enumerate(times, 1):
        choices = draw(st.lists(ids, min_size=1, max_size=4, unique=True))
        automatic = draw(st.booleans())
        visible = st.floats(0.8, 1) if automatic else share
        first = [r.n for r in readings if r.counted]
        readings.append(
            Reading(
                n=n,
                from_s=start,
                to_s=start + length,
                style=draw(st.sampled_from(sorted(styles))),
                outcome=Outcome.AUTOMATIC if automatic else draw(st.sampled_from([Outcome.FLAGGED, Outcome.HUMAN])),
                choice=choices[0] if automatic else None,
                why=() if automatic else tuple(draw(st.lists(st.sampled_from(Why), min_size=1, max_size=3))),
                upside_down=draw(st.booleans()),
                endorsed=draw(st.none() | st.booleans()),
                same_as=draw(st.none() | st.sampled_from(first)) if first else None,
                boxes=tuple(BoxReading(c, draw(visible), draw(share), draw(share)) for c in choices),
                frames=tuple(draw(st.lists(frame, min_size=1, max_size=7))),
            )
        )
    gaps = sorted(draw(st.lists(st.tuples(seconds, seconds, st.sampled_from(GapKind)), max_size=3)))
    segments = tuple(draw(st.lists(sha, max_size=2)))
    source = Source(
        draw(st.text(max_size=20)), "" if segments else draw(sha), 30.0, 1920, 1080,
        draw(st.none() | st.integers(0, 2**53)), segments,
    )  # fmt: skip
    spans = tuple(Gap(start, start + length, kind) for start, length, kind in gaps)
    return Count(source, Maker(draw(st.text(max_size=9)), draw(sha), styles), tuple(readings), spans)


@given(counts())
def test_any_count_survives_its_text(count: Count) -> None:
    text = count_text(count)
    assert parse_count(text.encode()) == count
    assert count_text(parse_count(text.encode())) == text


@given(st.binary(max_size=200))
def test_noise_is_refused(data: bytes) -> None:
    with pytest.raises(FolderWrongError):
        parse_count(data)


# --- what is not right ---


def text_of(change: Any) -> bytes:
    root = json.loads(count_text(count_of_truth(FILM)))
    change(root)
    return json.dumps(root).encode()


def put(*path: Any, value: Any) -> Any:
    def change(root: Any) -> None:
        for step in path[:-1]:
            root = root[step]
        root[path[-1]] = value

    return change


def drop(*path: Any) -> Any:
    def change(root: Any) -> None:
        for step in path[:-1]:
            root = root[step]
        del root[path[-1]]

    return change


R = "readings"
WRONG = {
    "unknown key": (put(R, 0, "guess", value=1), "readings.0.guess"),
    "unknown key at the root": (put("hello", value=1), "hello"),
    "key lacks": (drop(R, 0, "n"), "readings.0.n"),
    "key with a default lacks": (drop(R, 0, "why"), "a key is not given"),
    "another format": (put("format", value=2), "format"),
    "format that equals one": (put("format", value=True), "format"),
    "text for a number": (put(R, 0, "from_s", value="0.5"), "readings.0.from_s"),
    "fraction for a whole number": (put(R, 0, "n", value=1.5), "readings.0.n"),
    "not a number": (put(R, 0, "from_s", value=float("nan")), "from_s"),
    "endless": (put("source", "seconds", value=float("inf")), "seconds"),
    "no such outcome": (put(R, 0, "outcome", value="certain"), "outcome"),
    "no such reason": (put(R, 3, "why", value=["tired"]), "why"),
    "number out of order": (put(R, 1, "n", value=3), "readings.1.n"),
    "time out of order": (put(R, 1, "from_s", value=0.1), "readings.1.from_s"),
    "ends before it begins": (put(R, 1, "to_s", value=4.2), "readings.1.from_s, to_s"),
    "beyond the film": (put(R, 7, "to_s", value=900.0), "readings.7"),
    "repeat of itself": (put(R, 4, "same_as", value=5), "readings.4.same_as"),
    "repeat of a repeat": (put(R, 7, "same_as", value=5), "readings.7.same_as"),
    "unknown style": (put(R, 0, "style", value="other"), "readings.0.style"),
    "automatic without a choice": (put(R, 0, "choice", value=None), "readings.0.choice"),
    "automatic with a reason": (put(R, 0, "why", value=["faint"]), "readings.0.why"),
    "automatic with a hidden box": (put(R, 0, "boxes", 2, "visible", value=0.79), "80%"),
    "choice that has no box": (put(R, 0, "choice", value="choice-9"), "readings.0.choice"),
    "choice on a flagged ballot": (put(R, 2, "choice", value="choice-1"), "readings.2.choice"),
    "no reason": (put(R, 3, "why", value=[]), "readings.3.why"),
    "share above one": (put(R, 3, "boxes", 0, "ink", value=1.01), "boxes"),
    "path for a choice": (put(R, 3, "boxes", 0, "choice", value="../../x"), "boxes"),
    "a choice twice": (put(R, 3, "boxes", 0, "choice", value="choice-2"), "boxes"),
    "three corners": (put(R, 0, "frames", 0, "corners", value=[[1.0, 2.0]] * 3), "corners"),
    "no hash": (put("source", "sha256", value="abc"), "sha256"),
    "gap backwards": (put("gaps", value=[{"from_s": 3.0, "to_s": 2.0, "kind": "missing"}]), "gaps.0"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_and_told_where(name: str) -> None:
    change, where = WRONG[name]
    with pytest.raises(FolderWrongError) as caught:
        parse_count(text_of(change))
    assert where in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    def change(root: Any) -> None:
        root[R][0]["choice"] = None
        root[R][3]["why"] = []
        root["source"]["width"] = 0

    with pytest.raises(FolderWrongError) as caught:
        parse_count(text_of(change))
    assert all(word in str(caught.value) for word in ("readings.0.choice", "readings.3.why", "source:"))


def test_a_key_given_twice_is_refused() -> None:
    text = count_text(count_of_truth(FILM)).replace('"n": 1,', '"n": 1, "n": 1,', 1)
    with pytest.raises(FolderWrongError, match="twice"):
        parse_count(text.encode())


def test_depth_does_not_break_the_reader() -> None:
    with pytest.raises(FolderWrongError):
        parse_count(b"[" * 200_000)


def test_a_writer_refuses_a_count_that_contradicts_itself(tmp_path: Path) -> None:
    count = count_of_truth(FILM)
    wrong = Count(count.source, count.maker, count.readings[1:], count.gaps)
    assert list(problems(wrong))
    with pytest.raises(FolderWrongError):
        write_reading(tmp_path / "x", wrong, pictures)
    assert not (tmp_path / "x").exists()


def test_pictures_must_be_there(folder: Path, tmp_path: Path) -> None:
    (ballot_folder(folder, 2) / "box-choice-1.png").unlink()
    with pytest.raises(FolderPictureError, match=r"0002/box-choice-1\.png"):
        read_reading(folder)
    with pytest.raises(FolderPictureError):
        write_reading(tmp_path / "x", count_of_truth(FILM), lambda _: Pictures())
    assert not (tmp_path / "x" / FILE).exists()


def test_missing_unfinished_and_foreign_folders(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(FolderMissingError):
        read_reading(tmp_path / "nowhere")
    with pytest.raises(FolderMissingError):
        read_reading(folder / FILE)
    (folder / FILE).unlink()
    with pytest.raises(FolderUnfinishedError):
        read_reading(folder)
    ReadingWriter(folder)
    assert not list((folder / "ballots").iterdir()), "what an earlier writer left unfinished is cleared"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letters.txt").write_text("dear")
    with pytest.raises(FolderInUseError):
        ReadingWriter(tmp_path / "mine")
    assert (tmp_path / "mine" / "letters.txt").read_text() == "dear"


def test_a_finished_folder_is_never_written_again(folder: Path) -> None:
    with pytest.raises(FolderInUseError):
        ReadingWriter(folder)
    assert read_reading(folder) == count_of_truth(FILM)


def test_a_file_in_place_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for where in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises((FolderInUseError, FolderNotWrittenError)) as caught:
            ReadingWriter(where)
        assert isinstance(caught.value, FolderError)


def test_ballots_move_between_folders(folder: Path, tmp_path: Path) -> None:
    count = count_of_truth(FILM)
    writer = ReadingWriter(tmp_path / "joined")
    for reading in count.readings:
        writer.adopt(reading.n, ballot_folder(folder, reading.n))
    writer.finish(count)
    assert read_reading(tmp_path / "joined") == count


def test_pictures_can_be_given_other_numbers(tmp_path: Path) -> None:
    writer = ReadingWriter(tmp_path / "x")
    for n in (1, 2, 3, 4):
        writer.add(n, Pictures((bytes([n]),)))
    writer.renumber([2, 3, 1, 4])
    assert [(ballot_folder(tmp_path / "x", n) / "frame-1.jpg").read_bytes()[0] for n in (1, 2, 3, 4)] == [2, 3, 1, 4]
    assert len(list((tmp_path / "x" / "ballots").iterdir())) == 4
