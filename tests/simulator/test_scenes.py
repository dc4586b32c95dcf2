"""The demo's video: true clock, good camera manners, no seam, and booths that nobody can look into."""

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aigaq.capture.farm import load_video
from aigaq.election import Zone
from aigaq.simulator import SceneError, make_scenes, read_clock
from aigaq.simulator.clock_strip import TENTHS, ClockFace
from aigaq.simulator.film import MAIN_FPS, SUB_FPS, Piece, film, join
from aigaq.simulator.lettering import text_width, write
from aigaq.simulator.paint import Canvas, Sheet, halved
from aigaq.simulator.scene import _version
from aigaq.simulator.sets import LOOP, SETS
from aigaq.simulator.sets.booth_entrance import _BOOTHS, _LOW, _TOP, _WIDE

FACE = ClockFace()
BLANK = Sheet(1280, 720, 0x808080).sprite()


@given(st.integers(0, TENTHS - 1))
@settings(max_examples=40, deadline=None)
def test_the_clock_is_read_back_at_any_size(tenth):
    canvas = Canvas(BLANK)
    for placed in FACE.at(tenth):
        canvas.put(placed)
    luma = canvas.planes[0]
    assert read_clock(luma) == read_clock(halved(luma)) == read_clock(np.repeat(luma, 2, axis=0)) == tenth / 10


@given(st.binary(min_size=48, max_size=48))
def test_what_is_no_clock_is_not_read_as_one(noise):
    luma = np.zeros((720, 1280), np.uint8)
    luma[:48, -300:] = np.resize(np.frombuffer(noise, np.uint8), (48, 300)) // 2
    assert read_clock(luma) is None


@pytest.mark.parametrize(
    "letters", ["АӘБВГҒДЕЁЖЗИЙКҚЛМНҢОӨПРСТУҰҮФХҺЦЧШЩЪЫІЬЭЮЯ", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"]
)
def test_every_letter_has_its_own_shape(letters):
    shapes = set()
    for letter in letters:
        sheet = Sheet(40, 60)
        write(sheet, letter, (6, 14), 30, 0)
        shapes.add(sheet.sprite().veils[0].tobytes())
    assert len(shapes) == len(set(letters) - {"Ё"})
    assert Sheet(40, 60).sprite().veils[0].tobytes() not in shapes
    assert text_width("АБ", 30) > text_width("А", 30) > 0


@pytest.mark.parametrize("zone", list(Zone))
def test_each_set_moves_and_has_no_seam(zone):
    stage = SETS[zone]()

    def picture(second):
        canvas = Canvas(stage.background)
        for placed in stage.at(second):
            canvas.put(placed)
        return canvas.planes[0].astype(int)

    start, end = picture(0), picture(LOOP - 1 / MAIN_FPS)
    assert np.abs(start - end).mean() < 2
    assert np.abs(picture(3.5) - start).mean() > 0.05


def test_nobody_shows_behind_a_closed_curtain():
    stage = SETS[Zone.BOOTH_ENTRANCE]()
    cloth = [p for p in stage.at(0) if p.sprite.width == _WIDE and p.y == _TOP]
    assert len(cloth) == len(_BOOTHS)
    for second in range(int(LOOP)):
        layers = stage.at(second + 0.37)
        curtains = [n for n, p in enumerate(layers) if p.sprite.width == _WIDE and p.y == _TOP]
        for booth, index in enumerate(curtains):
            if layers[index].sprite is not cloth[booth].sprite:
                continue
            canvas = Canvas(stage.background)
            for placed in layers[: index + 1]:
                canvas.put(placed)
            door = np.s_[_TOP:_LOW, _BOOTHS[booth] - _WIDE // 2 : _BOOTHS[booth] + _WIDE // 2]
            alone = Canvas(stage.background)
            alone.put(layers[index])
            assert np.array_equal(canvas.planes[0][door], alone.planes[0][door])


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("film")
    pieces = [film(Piece(Zone.BOOTH_ENTRANCE, n, folder / f"{n}-main.mp4", folder / f"{n}-sub.mp4")) for n in (1, 2)]
    join([p.main for p in pieces], folder / "main.mp4")
    join([p.sub for p in pieces], folder / "sub.mp4")
    return folder


@pytest.mark.parametrize(("name", "fps", "size"), [("main", MAIN_FPS, (1280, 720)), ("sub", SUB_FPS, (640, 360))])
def test_the_film_keeps_the_codec_contract_and_its_clock_is_true(filmed, name, fps, size):
    with av.open(str(filmed / f"{name}.mp4")) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
    assert (stream.width, stream.height) == size
    assert {av.video.frame.PictureType(f.pict_type).name for f in frames} == {"I", "P"}
    assert [n for n, f in enumerate(frames) if f.key_frame] == list(range(0, 20 * fps, fps))
    assert all(b.pts - a.pts == 1 / (fps * stream.time_base) for a, b in pairwise(frames))
    for number, frame in enumerate(frames):
        assert read_clock(frame.to_ndarray(format="gray")) == (100 + number * 10 // fps) / 10


def test_the_farm_loops_the_film_without_drift(filmed):
    video = load_video(filmed / "main.mp4")
    assert video.length == 20 * 90_000
    assert len(video.keys) == 20


def test_scenes_that_are_there_are_taken(tmp_path):
    home = tmp_path / f"scenes-{_version()}"
    home.mkdir()
    heard = []
    scenes = make_scenes(tmp_path, progress=heard.append)
    assert heard == [1.0]
    assert set(scenes) == set(Zone)
    assert scenes[Zone.BALLOT_BOX].sub.parent == home


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(SceneError) as refused:
        make_scenes(tmp_path / "file")
    assert all(refused.value.explain(language).hint for language in ("kk", "ru", "en"))
    assert refused.value.explain("kk").why != refused.value.explain("ru").why
