"""Watching in Chromium: live, back in time with all cameras in step, over a gap, by keys alone; clips that verify."""

import json
from datetime import datetime, timedelta

import pytest

from aigaq_verify.cli import main as verify

STATION = "/en/station/example-001"
pytestmark = pytest.mark.peer
PLAYERS = """() => [...document.querySelectorAll('aigaq-player')].map((p) => ({
  camera: p.dataset.camera, condition: p.condition, wall: p.wall(), paused: p.video?.paused }))"""
SHOWN = "() => Number(document.querySelector('[role=slider]').getAttribute('aria-valuenow'))"


def players(page) -> dict[str, dict]:
    return {p["camera"]: p for p in page.evaluate(PLAYERS)}


def wait_until_playing(page, cameras: int) -> None:
    page.wait_for_function(
        """(n) => [...document.querySelectorAll('aigaq-player')]
        .filter((p) => p.condition === 'playing' && p.video.readyState >= 3 && p.wall() !== null).length === n""",
        arg=cameras,
    )


def open_at(visitor, moment: int, camera: str = "desk"):
    page = visitor.open(f"{STATION}?camera={camera}&t={moment}")
    page.wait_for_function("() => document.querySelectorAll('svg[data-camera] rect').length > 5")
    return page


def test_live_plays_at_once_and_time_goes_on(visitor):
    page = visitor.open(STATION)
    wait_until_playing(page, 1)
    before = players(page)["box"]["wall"]
    page.wait_for_function("t => document.querySelector('[data-main] aigaq-player').wall() > t + 2000", arg=before)
    shown = page.locator("[data-main] video").evaluate("v => [v.videoWidth, v.videoHeight, v.muted]")
    assert shown == [768, 432, True]
    assert "Live," in page.locator(".now").inner_text()
    assert players(page)["desk"]["condition"] == "still", "only the chosen camera plays"


def test_live_changes_to_low_delay(visitor):
    page = visitor.open(STATION)
    with page.expect_response(lambda r: "/part/" in r.url and r.status == 200):
        pass
    wait_until_playing(page, 1)


def test_choosing_a_camera_plays_it(visitor):
    page = visitor.open(STATION)
    page.locator(".tile[data-camera=table]").click()
    page.wait_for_function("() => document.querySelector('[data-camera=table] video')?.currentTime > 0.5")
    assert page.url.endswith("?camera=table")
    assert page.locator("video").count() == 1


def test_permalink_shows_the_moment_on_all_cameras(visitor, centre):
    moment = centre.first_ms + 30_500
    page = open_at(visitor, moment)
    wait_until_playing(page, 5)
    page.wait_for_function(
        "t => [...document.querySelectorAll('aigaq-player')].every((p) => Math.abs(p.wall() - t) < 120)", arg=moment
    )
    assert all(p["paused"] for p in players(page).values())
    assert page.locator("[role=slider]").get_attribute("aria-valuetext").endswith("Recorded and sealed")


def test_all_cameras_play_in_step(visitor, centre):
    page = open_at(visitor, centre.first_ms + 90_000)
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(f"t => ({SHOWN})() > t + 2000", arg=centre.first_ms + 90_000)
    walls = [p["wall"] for p in players(page).values()]
    assert max(walls) - min(walls) < 500
    page.locator("#rate").select_option("4")
    page.wait_for_function(f"t => ({SHOWN})() > t + 9000", arg=centre.first_ms + 90_000)
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Pause").click()
    at = page.evaluate(SHOWN)
    page.wait_for_function(
        """t => [...document.querySelectorAll('aigaq-player')]
        .every((p) => p.video?.paused && Math.abs(p.wall() - t) < 99)""",
        arg=at,
    )
    assert f"t={at}" in page.url


def test_a_gap_says_why_and_offers_the_way_on(visitor, centre):
    page = open_at(visitor, centre.gap_from_ms + 5000, camera="box")
    cover = page.locator(".tile[data-camera=box] .cover")
    cover.wait_for(state="visible")
    assert "Gap signed by the station: the camera could not be reached" in cover.inner_text()
    assert "UTC+5" in cover.inner_text()
    others = [p for name, p in players(page).items() if name != "box"]
    assert all(p["condition"] != "hole" for p in others), "the other cameras go on"
    cover.get_by_role("button").click()
    page.wait_for_function(f"t => Math.abs(({SHOWN})() - t) < 1000", arg=centre.gap_to_ms)
    cover.wait_for(state="hidden")


def test_timeline_by_keys_alone(visitor, centre):
    moment = centre.first_ms + 100_000
    page = open_at(visitor, moment, camera="box")
    slider = page.get_by_role("slider")
    slider.focus()
    steps = [("ArrowLeft", moment - 10_000), ("Shift+ArrowRight", moment - 9_000), ("Shift+KeyG", centre.gap_from_ms)]
    for key, expected in steps:
        page.keyboard.press(key)
        page.wait_for_function(f"t => Math.abs(({SHOWN})() - t) <= 1", arg=expected)
    assert "Gap signed by the station: the camera could not be reached" in slider.get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    assert page.evaluate(SHOWN) == int(slider.get_attribute("aria-valuemin"))
    page.keyboard.press("End")
    page.wait_for_function("() => document.querySelector('aigaq-station').dataset.mode === 'live'")
    page.keyboard.press("Digit4")
    page.wait_for_function("() => location.search === '?camera=observers'")


def test_keys_are_left_alone_where_one_types(visitor, centre):
    page = open_at(visitor, centre.first_ms + 30_000)
    page.locator("#goto").focus()
    page.keyboard.press("l")
    assert page.locator("aigaq-station").get_attribute("data-mode") == "archive"


def test_dragging_shows_stills_and_releasing_seeks(visitor, centre):
    page = open_at(visitor, centre.first_ms + 100_000)
    over = page.locator(".over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    y = box["y"] + 20
    page.mouse.move(box["x"] + box["width"] * 0.5, y)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.4, y, steps=4)
    page.mouse.up()
    page.wait_for_function(f"t => ({SHOWN})() !== t", arg=centre.first_ms + 100_000)
    assert "t=" in page.url


def test_go_to_time_is_on_the_stations_clocks(visitor, centre):
    page = open_at(visitor, centre.first_ms + 20_000)
    value = page.locator("#goto").input_value()
    page.locator("#goto").fill(value[:-2] + "00")
    page.locator("#goto").press("Enter")
    shown = page.evaluate(SHOWN)
    assert (shown // 1000) % 60 == 0
    assert page.locator(".now-time").inner_text().endswith(":00 UTC+5")


def test_language_switch_keeps_camera_and_moment(visitor, centre):
    page = open_at(visitor, centre.first_ms + 20_000, camera="booths")
    page.get_by_role("link", name="Русский").click()
    page.wait_for_url(f"**/ru/**camera=booths&t={centre.first_ms + 20_000}")


def test_link_to_the_moment_is_copied(visitor, centre):
    page = open_at(visitor, centre.first_ms + 20_000)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy a link to this moment").click()
    page.get_by_text("Link copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.url


def test_clip_is_marked_sized_downloaded_and_verified(visitor, centre, tmp_path, capsys):
    page = open_at(visitor, centre.gap_from_ms - 6000, camera="box")
    page.get_by_role("button", name="From: Take the moment shown").click()
    page.locator("#clip-to").fill(shifted(page.locator("#clip-from").input_value(), 4))
    facts = page.locator(".clip-facts")
    page.wait_for_function("() => document.querySelector('.clip-facts').textContent.includes('KB')")
    assert facts.inner_text().startswith("Length 0:04, without a gap")
    assert page.locator(".selected").is_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with proofs").click()
    clip, policy = tmp_path / "clip.zip", tmp_path / "policy.txt"
    download.value.save_as(clip)
    policy.write_text(page.request.get("/policy.txt").text())
    assert verify([str(clip), "--trust", str(policy), "--json"]) == 0, capsys.readouterr().out
    assert json.loads(capsys.readouterr().out)["verdict"] == "VERIFIED"


def test_clip_over_a_gap_says_how_much_is_missing(visitor, centre):
    page = open_at(visitor, centre.gap_from_ms - 6000, camera="box")
    page.get_by_role("button", name="From: Take the moment shown").click()
    page.locator("#clip-to").fill(shifted(page.locator("#clip-from").input_value(), 40))
    page.wait_for_function("() => document.querySelector('.clip-facts').textContent.includes('0:24 have no footage')")


def test_clip_form_refuses_nonsense_in_words(visitor, centre):
    page = open_at(visitor, centre.first_ms + 20_000)
    page.get_by_role("button", name="From: Take the moment shown").click()
    page.locator("#clip-to").fill(shifted(page.locator("#clip-from").input_value(), -5))
    assert page.locator(".clip-facts").inner_text() == "The end must be after the beginning."
    assert page.get_by_role("button", name="Download with proofs").is_disabled()


def test_a_silent_station_opens_where_its_footage_ends(visitor):
    page = visitor.open("/en/station/example-002")
    wait_until_playing(page, 5)
    assert page.locator("aigaq-station").get_attribute("data-mode") == "archive"
    assert "Live" not in page.locator(".now").inner_text()


def test_a_silent_camera_is_not_a_frozen_page(visitor):
    page = visitor.open("/en/station/example-003")
    page.get_by_text("No connection to the centre").wait_for()
    assert visitor.complaints
    assert all("404" in complaint for complaint in visitor.complaints)
    visitor.complaints.clear()


def shifted(value: str, seconds: int) -> str:
    return (datetime.fromisoformat(value) + timedelta(seconds=seconds)).isoformat()
