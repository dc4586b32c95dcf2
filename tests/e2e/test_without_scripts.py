"""The pages without JavaScript: everything but the moving picture."""

from datetime import datetime, timedelta

import pytest

STATION = "/en/station/example-001"
pytestmark = pytest.mark.peer


def test_list_is_found_by_form(visitor):
    page = visitor.open("/en/", java_script_enabled=False)
    page.locator("#q").fill("consulate")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**/?q=consulate*")
    assert page.locator("tbody tr").count() == 1


def test_station_shows_pictures_gaps_and_time(visitor, centre):
    page = visitor.open(STATION, java_script_enabled=False)
    assert page.get_by_text("Video needs JavaScript").is_visible()
    assert page.locator(".tile img").count() == 5
    gap = page.locator(".gaps tr", has_text="the camera could not be reached")
    assert "24 s" in gap.inner_text()
    assert page.locator("svg[data-camera=box] rect.gap").count() == 1
    for hidden in (".controls", ".over", ".zoom"):
        assert not page.locator(hidden).is_visible()


def test_one_can_go_to_a_moment_and_choose_a_camera(visitor, centre):
    page = visitor.open(STATION, java_script_enabled=False)
    value = page.locator("#goto").input_value()
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**t=20*")
    assert page.locator("#goto").input_value() == value
    page.locator(".tile[data-camera=table] a").click()
    page.wait_for_url("**camera=table&t=*")
    assert page.locator(".tile[data-main]").get_attribute("data-camera") == "table"
    still = page.locator(".tile[data-main] img").get_attribute("src")
    assert page.request.get(still).headers["content-type"] == "image/jpeg"


def test_clip_comes_by_plain_form(visitor, centre):
    page = visitor.open(STATION, java_script_enabled=False)
    page.locator("#clip-camera").select_option("desk")
    start = page.locator("#goto").input_value()
    page.locator("#clip-from").fill(start)
    page.locator("#clip-to").fill(later(start, 10))
    with page.expect_download() as download:
        page.get_by_role("button", name="Download with proofs").click()
    assert download.value.suggested_filename.endswith(".zip")


def later(value: str, seconds: int) -> str:
    return (datetime.fromisoformat(value) + timedelta(seconds=seconds)).isoformat()
