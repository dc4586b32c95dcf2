"""A style folder is taken whole or refused with every mistake in it."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.base import LANGUAGES
from aigaq.election import BallotChoice, BallotStyle, Box, Names, style_toml
from aigaq.recount.errors import StyleError, StyleMissingError
from aigaq.recount.styles import load_style, load_styles
from aigaq.recount.styles.checking import NOTHING, Problems, check_style
from aigaq.simulator.ballots import CONTESTS, draw_ballot, make_style

HASH = "0" * 64


@pytest.fixture
def home(tmp_path: Path, written) -> Path:
    return written("referendum", tmp_path)


def edit(home: Path, old: str, new: str) -> None:
    path = home / "style.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def mistakes(folder: Path) -> list[str]:
    with pytest.raises(StyleError) as caught:
        load_style(folder)
    for language in LANGUAGES:
        assert len(str(caught.value.explain(language)).splitlines()) >= len(caught.value.problems)
    return [p.key for p in caught.value.problems]


def test_what_was_written_is_loaded(tmp_path, written):
    for contest in CONTESTS:
        written(contest, tmp_path)
    loaded = load_styles(tmp_path)
    assert list(loaded) == sorted(CONTESTS)
    one = loaded["party-list"]
    assert one.style == make_style("party-list")
    assert np.array_equal(one.blank, draw_ballot(one.style))
    assert not one.blank.flags.writeable
    assert one.sha256 == hashlib.sha256((tmp_path / "party-list" / "style.toml").read_bytes()).hexdigest()


def test_a_style_folder_stands_for_itself(home):
    assert list(load_styles(home)) == ["referendum"]


def test_every_mistake_is_told_at_once(home):
    edit(home, 'contest = "referendum"', 'contest = "Referendum!"')
    edit(home, "endorsements = 1", 'endorsements = "one"\nstamp = true')
    edit(home, 'id = "choice-2"', 'id = "choice-1"')
    assert mistakes(home) == ["stamp", "contest", "endorsements"]
    edit(home, 'contest = "Referendum!"', 'contest = "referendum"')
    edit(home, 'endorsements = "one"\nstamp = true', "endorsements = 1")
    assert mistakes(home) == ["choices[2].id"]


@pytest.mark.parametrize(
    ("change", "keys"),
    [
        ({"box": Box(176, 70, 18, 18)}, ["choices[1].box_mm"]),
        ({"box": Box(176, 90, 1, 18)}, ["choices[1].box_mm"]),
        ({"row": Box(12, 84, 190, 40)}, ["choices[2].row_mm"]),
        ({"row": Box(12, 84, 250, 24)}, ["choices[1].row_mm"]),
    ],
)
def test_boxes_lie_in_rows_and_rows_apart_on_the_sheet(change, keys):
    style = make_style("referendum")
    first = replace(style.choices[0], **change)
    problems = Problems()
    assert check_style(style_toml(replace(style, choices=(first, style.choices[1])), HASH), problems) is None
    assert [p.key for p in problems.found] == keys


def test_the_signature_lies_beside_the_rows():
    style = make_style("referendum")
    problems = Problems()
    check_style(style_toml(replace(style, endorsement_area=Box(12, 90, 50, 10)), HASH), problems)
    check_style(style_toml(replace(style, endorsement_area=NOTHING), HASH), problems)
    assert [p.key for p in problems.found] == ["endorsement_area_mm"] * 2
    assert check_style(style_toml(replace(style, endorsements=0, endorsement_area=NOTHING), HASH), Problems())


def test_a_blank_that_was_changed_is_refused(home):
    blank = home / "blank.png"
    blank.write_bytes(blank.read_bytes() + b" ")
    assert mistakes(home) == ["blank.png"]


@pytest.mark.parametrize(
    "png", [b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n" + b"\0\0\0\rIHDR" + b"\x7f\xff\xff\xff" * 2, b"cut"]
)
def test_a_blank_that_is_no_picture_of_that_size_is_refused(home, png):
    """The last one has the right head and no body; none is decoded into more memory than the size asks for."""
    data = (home / "blank.png").read_bytes()
    png = data[:2000] if png == b"cut" else png
    edit(home, hashlib.sha256(data).hexdigest(), hashlib.sha256(png).hexdigest())
    (home / "blank.png").write_bytes(png)
    assert mistakes(home) == ["blank.png"]


def test_nothing_there(tmp_path, home):
    with pytest.raises(StyleMissingError):
        load_styles(tmp_path / "nowhere")
    (home / "blank.png").unlink()
    with pytest.raises(StyleMissingError, match=r"blank\.png"):
        load_style(home)


def test_a_folder_that_bears_another_name_is_refused(tmp_path, home):
    home.rename(tmp_path / "another")
    with pytest.raises(StyleError, match="another/id"):
        load_styles(tmp_path)


@given(st.text(max_size=300) | st.binary(max_size=300).map(lambda b: b.decode("latin-1")))
def test_any_text_is_a_style_or_is_refused_with_a_reason(text):
    problems = Problems()
    assert check_style(text, problems) is None
    assert problems.found


NAME = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "Zs")), min_size=1, max_size=40).filter(
    str.strip
)
NAMES = st.builds(Names, NAME, NAME, NAME | st.just(""))


@st.composite
def ballots(draw: st.DrawFn) -> BallotStyle:
    count = draw(st.integers(2, 20))
    wide, tall = draw(st.sampled_from([(210.0, 297.0), (148.5, 210.0), (297.0, 420.0)]))
    high = round((tall - 60) / count, 2)
    rows = [Box(10, round(30 + n * high, 2), wide - 20, high) for n in range(count)]
    side = round(draw(st.floats(2, max(2.0, high - 0.5))), 2)
    return BallotStyle(
        id=draw(st.from_regex(r"[a-z0-9]{1,10}(-[a-z0-9]{1,10})?", fullmatch=True)),
        contest="contest",
        names=draw(NAMES),
        size_mm=(wide, tall),
        colour=draw(st.sampled_from(["white", "light-blue"])),
        endorsements=draw(st.integers(1, 3)),
        endorsement_area=Box(10, tall - 25, 80, 20),
        choices=tuple(
            BallotChoice(f"c{n}", draw(NAMES), Box(row.x + row.w - side, row.y, side, min(side, row.h)), row)
            for n, row in enumerate(rows)
        ),
    )


@given(ballots())
@settings(max_examples=40)
def test_every_style_is_read_as_it_was_written(style):
    assert check_style(style_toml(style, HASH), Problems()) == (style, HASH)


@given(ballots(), st.data())
@settings(max_examples=60)
def test_a_style_with_a_piece_changed_is_refused_or_is_another(style, data):
    text = style_toml(style, HASH)
    at = data.draw(st.integers(0, len(text) - 1))
    changed = (
        text[:at] + data.draw(st.sampled_from(["", "9", '"', "-", "[", "\n", "é", "1e400", "nan"])) + text[at + 1 :]
    )
    problems = Problems()
    assert (check_style(changed, problems) is None) == bool(problems.found)
