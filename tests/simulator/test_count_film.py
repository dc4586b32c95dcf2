"""A filmed count: its truth tiles the film, boxes lie where the truth says, the same plan gives the same frames."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from aigaq.simulator.ballots import make_style
from aigaq.simulator.count import Conditions, CountFilmError, CountPlan, Shares, cast, render_count, render_stills
from aigaq.simulator.count.cast import Presented
from aigaq.simulator.count.film import _mounted, _turned
from aigaq.simulator.count.gripping import holds_at
from aigaq.simulator.count.motion import direct
from aigaq.simulator.count.stage import Seen, Stage, cameras
from aigaq.simulator.count.truth import VISIBLE, Sighting

STYLE = make_style("maslikhat-city")
SMALL = CountPlan(
    4,
    2,
    Conditions(ballot_px=300, fps=Fraction(25, 2), kbit_s=1500, seconds=0.9, pause=0.2, noise=1.5),
    (STYLE,),
    Shares(again=0.5, upside_down=0.4, several=0.4),
    width=640,
    height=360,
)
CLEAR = replace(
    SMALL,
    conditions=replace(SMALL.conditions, ballot_px=380, noise=0.0, gloss=0.0, thumb=0.0, crossing=0.0),
    shares=Shares(none=0, several=0, outside=0, faint=0, double=0, form=0, back=0, front_after_back=0),
    width=960,
    height=540,
)


@pytest.fixture(scope="module")
def filmed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("count")
    heard = []
    (film,) = render_count(SMALL, folder, heard.append)
    assert heard[-1] == 1.0
    assert heard == sorted(heard)
    return film


@pytest.fixture(scope="module")
def truth(filmed):
    return json.loads(filmed.truth.read_text(encoding="utf-8"))


def decoded(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray") for frame in container.decode(video=0)]


def test_the_film_is_as_its_truth_says(filmed, truth):
    with av.open(str(filmed.film)) as container:
        stream = container.streams.video[0]
        frames = list(container.decode(stream))
    about = truth["film"]
    assert (stream.width, stream.height) == (about["width"], about["height"]) == (640, 360)
    assert len(frames) == about["frames"]
    assert float(stream.average_rate) == about["fps"] == 12.5
    assert all(later.pts > earlier.pts for earlier, later in pairwise(frames))
    assert {av.video.frame.PictureType(f.pict_type).name for f in frames} == {"I", "P"}
    assert about["file"] == filmed.film.name
    assert truth["format"] == 1
    assert [p.name for p in (filmed.film.parent / "styles").iterdir()] == truth["styles"] == [STYLE.id]


def test_presentations_tile_the_film_and_name_every_ballot(truth):
    shown = truth["presentations"]
    assert [p["n"] for p in shown] == list(range(len(cast(SMALL))))
    assert len(shown) > SMALL.ballots
    for p in shown:
        assert p["from_s"] < p["held_from_s"] < p["held_to_s"] < p["to_s"] <= truth["film"]["frames"] / 12.5
        assert (p["valid_choice"] is None) == (p["invalid"] is not None)
        assert [b["choice"] for b in p["boxes"]] == [c.id for c in STYLE.choices]
        assert all(0 <= b["visible_share"] <= b["fused_share"] <= 1 for b in p["boxes"])
        assert p["hidden"] == [b["choice"] for b in p["boxes"] if b["fused_share"] < VISIBLE]
        assert p["held_from_s"] <= p["best"]["at_s"] <= p["held_to_s"]
    for earlier, later in pairwise(shown):
        assert earlier["to_s"] <= later["from_s"]
    for again in (p for p in shown if p["same_as"] is not None):
        assert again["marks"] == shown[again["same_as"]]["marks"]


def test_every_presentation_is_activity_and_what_hands_do_lies_in_the_film(truth):
    spans = [(a["from_s"], a["to_s"]) for a in truth["activity"] if a["what"] == "presentation"]
    assert spans == [(p["from_s"], p["to_s"]) for p in truth["presentations"]]
    assert {a["what"] for a in truth["activity"]} <= {"presentation", "tidying", "arm"}
    assert all(0 < a["from_s"] < a["to_s"] for a in truth["activity"])


def test_the_same_plan_gives_the_same_frames(filmed, tmp_path):
    (again,) = render_count(SMALL, tmp_path)
    assert again.truth.read_bytes() == filmed.truth.read_bytes()
    first, second = (hashlib.sha256(np.stack(decoded(f.film)).tobytes()).hexdigest() for f in (filmed, again))
    assert first == second


def test_frames_follow_the_seed():
    pictures = []
    for seed in (4, 5):
        plan = replace(SMALL, seed=seed)
        view = cameras(plan)[0]
        pictures.append(Stage(plan, direct(plan, cast(plan), view), view).at(1.2).picture)
    assert np.abs(pictures[0].astype(int) - pictures[1]).mean() > 5


@pytest.fixture(scope="module")
def stills():
    return list(render_stills(CLEAR, frames=2))


def luma_along(picture, corners, grow):
    """Mean luma of the outline of a box, moved outwards by so many pixels."""
    middle = corners.mean(axis=0)
    out = middle + (corners - middle) * (1 + grow / np.linalg.norm(corners - middle, axis=1, keepdims=True))
    mask = np.zeros(picture.shape[:2], np.uint8)
    cv2.polylines(mask, [np.rint(out * 16).astype(np.int32)], isClosed=True, color=255, lineType=cv2.LINE_AA, shift=4)
    return cv2.mean(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), mask)[0]


def test_boxes_lie_where_the_truth_says(stills):
    checked = 0
    for still in stills:
        marked = {m.choice for m in still.presented.ballot.marks}
        for choice, corners, visible in zip(STYLE.choices, still.boxes, still.visible, strict=True):
            if visible < 1 or choice.id in marked:
                continue
            on, inside, outside = (luma_along(still.picture, corners, g) for g in (-0.6, -6.0, 5.0))
            assert on < min(inside, outside) - 12, (still.presented.n, choice.id, on, inside, outside)
            checked += 1
    assert checked >= 12


def test_marks_darken_their_boxes(stills):
    for still in stills:
        grey = cv2.cvtColor(still.picture, cv2.COLOR_RGB2GRAY)
        dark = []
        for corners in still.boxes:
            middle = corners.mean(axis=0)
            mask = np.zeros_like(grey)
            cv2.fillPoly(mask, [np.rint(middle + (corners - middle) * 0.72).astype(np.int32)], 255)
            inside = grey[mask > 0].astype(float)
            dark.append(float(np.median(inside) - np.percentile(inside, 4)))
        wanted = [c.id for c in STYLE.choices].index(still.presented.ballot.valid_choice or "choice-1")
        if still.presented.ballot.valid_choice and still.visible.min() == 1:
            assert int(np.argmax(dark)) == wanted, (still.presented.n, dark)


def test_the_sheet_stands_upright_or_on_its_head_as_the_truth_says(stills):
    seen = set()
    for still in stills:
        top, _, _, bottom = still.corners
        assert (top[1] > bottom[1]) == still.presented.upside_down
        assert np.all(still.corners > 0)
        seen.add(still.presented.upside_down)
    assert len(stills) == 2 * len(cast(CLEAR))
    assert {s.presented.n for s in stills} == set(range(len(cast(CLEAR))))


def test_fingers_over_boxes_are_noticed():
    careless = replace(CLEAR, ballots=6, conditions=replace(CLEAR.conditions, thumb=1.0))
    covered = [s for s in render_stills(careless, frames=1) if s.visible.min() < VISIBLE]
    assert len(covered) >= 3
    for still in covered:
        worst, best = int(np.argmin(still.visible)), int(np.argmax(still.visible))
        colours = []
        for index in (worst, best):
            mask = np.zeros(still.picture.shape[:2], np.uint8)
            cv2.fillPoly(mask, [np.rint(still.boxes[index]).astype(np.int32)], 255)
            colours.append(np.array(cv2.mean(still.picture, mask)[:3]))
        assert np.abs(colours[0] - colours[1]).max() > 10


def test_two_cameras_see_the_same_ballots(tmp_path):
    plan = replace(
        SMALL, ballots=1, cameras=2, shares=Shares(again=0.0), conditions=replace(SMALL.conditions, fps=Fraction(8))
    )
    films = render_count(plan, tmp_path)
    one, two = (json.loads(f.truth.read_text(encoding="utf-8")) for f in films)
    assert [f.film.name for f in films] == ["film.mp4", "film-2.mp4"]
    for a, b in zip(one["presentations"], two["presentations"], strict=True):
        same = ("n", "style", "from_s", "to_s", "marks", "valid_choice", "upside_down")
        assert [a[k] for k in same] == [b[k] for k in same]
        assert a["best"]["corners_px"] != b["best"]["corners_px"]
    assert one["activity"] == two["activity"]
    first, second = (decoded(f.film)[5].astype(int) for f in films)
    assert np.abs(first - second).mean() > 5


def test_a_camera_hung_upside_down_turns_picture_and_truth():
    plan = replace(SMALL, camera_upside_down=True)
    scene = cv2.resize(np.random.default_rng(1).integers(0, 255, (36, 64, 3), np.uint8), (640, 360))
    planes = cv2.cvtColor(scene, cv2.COLOR_RGB2YUV_I420)
    assert _mounted(SMALL, planes) is planes
    turned = cv2.cvtColor(_mounted(plan, planes), cv2.COLOR_YUV2RGB_I420)
    upright = cv2.cvtColor(planes, cv2.COLOR_YUV2RGB_I420)
    assert np.array_equal(turned[::-1, ::-1], upright)
    corners = np.array([(10.0, 20.0), (30, 20), (30, 50), (10, 50)])
    seen = Seen(0, True, True, corners, corners[None], np.ones((1, 81), bool), 0.0)
    there = _turned(plan, seen)
    assert there is not None
    assert there.corners[0].tolist() == [629, 339]
    assert there.boxes[0, 2].tolist() == [609, 309]
    assert _turned(SMALL, seen) is seen


def test_hands_never_jump():
    plan = replace(SMALL, shares=Shares(front_after_back=0.5, upside_down=0.4))
    view = cameras(plan)[0]
    script = direct(plan, cast(plan), view)
    before = None
    for now in np.arange(0, script.seconds, 0.005):
        hands = holds_at(script, float(now), view)
        assert all(abs(float(np.linalg.norm(h.onto)) - 1) < 1e-6 for h in hands)
        if before is not None:
            assert max(float(np.linalg.norm(a.at - b.at)) for a, b in zip(before, hands, strict=True)) < 45
        before = hands


def test_the_best_moment_is_held_and_shows_most():
    sighting = Sighting()
    corners, boxes = np.zeros((4, 2)), np.zeros((1, 4, 2))

    def seen(share, speed=0.0, *, held=True, front=True):
        visible = np.arange(81)[None, :] < share * 81
        return Seen(0, front, held, corners, boxes, visible, speed)

    for number, sight in enumerate((seen(1, held=False), seen(1, front=False), seen(0.5), seen(0.9, 9), seen(0.9, 1))):
        sighting.add(number, sight)
    assert sighting.frames == 3
    assert sighting.best is not None
    assert sighting.best[0] == 4


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CountFilmError) as refused:
        render_count(SMALL, tmp_path / "file")
    assert refused.value.explain("kk").why != refused.value.explain("ru").why


def command(*words):
    line = [sys.executable, "-m", "aigaq.simulator.count", *map(str, words)]
    return subprocess.run(line, capture_output=True, text=True, timeout=100, check=False)


def test_the_command_films_a_count(tmp_path):
    small = ("--ballots", 1, "--size", "640x360", "--preset", "240", "--fps", "5", "--contests", "referendum")
    done = command(tmp_path, "--seed", 2, *small)
    assert done.returncode == 0, done.stderr
    read = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert read["styles"] == ["referendum"]
    assert read["film"]["fps"] == 5.0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--preset", "best"), 2, "best"),
        (("--size", "big"), 2, "big"),
        (("--contests", "mayor"), 2, "mayor"),
        (("--contests", "party-list:99"), 2, "99"),
        (("--fps", "1/0"), 2, "Fraction"),
        (("--ballots", "0"), 1, "simulator.count_plan"),
    ],
)
def test_the_command_explains_what_it_cannot_do(tmp_path, words, code, said):
    done = command(tmp_path, *words)
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_presented_is_a_value():
    one, two = cast(SMALL)[:2]
    assert isinstance(one, Presented)
    assert one != two
    assert hash(one.ballot.style) == hash(STYLE)
