"""station.toml: every mistake is named, and passwords stay where they are."""

import json
import logging

import pytest
from station_bench import settings_for

from aigaq.base import SettingsError
from aigaq.station.example import example_toml
from aigaq.station.settings import StationSettings, load_station

GOOD = """
[station]
election = "e1"
id = "s1"
data = "data"
log_domain = "log.example"

[[cameras]]
id = "box"
zone = "ballot_box"
main = "rtsp://10.0.0.1/main"
sub = "rtsp://10.0.0.1/sub"
username = "viewer"
password = "s3cret"
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str):
        path = tmp_path / "station.toml"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def test_paths_are_relative_to_the_file(write, tmp_path):
    settings = load_station(write(GOOD))
    assert settings.station.data == tmp_path / "data"
    assert settings.identity_file == tmp_path / "data" / "identity.key"
    assert settings.origin == "log.example/e1/s/s1"
    assert settings.bytes_per_hour == round(4.3e6 / 8 * 3600)


def test_the_password_reaches_the_camera_and_nothing_else(write):
    settings = load_station(write(GOOD))
    sources = settings.cameras[0].sources()
    assert {name: (s.url, s.username, s.password) for name, s in sources.items()} == {
        "main": ("rtsp://10.0.0.1/main", "viewer", "s3cret"),
        "sub": ("rtsp://10.0.0.1/sub", "viewer", "s3cret"),
    }
    for shown in (repr(settings), str(settings), settings.model_dump_json()):
        assert "s3cret" not in shown


def test_the_password_may_lie_in_a_file(write, tmp_path):
    text = GOOD.replace('password = "s3cret"', 'password_file = "pw.txt"')
    with pytest.raises(SettingsError):
        load_station(write(text)).cameras[0].sources()
    (tmp_path / "pw.txt").write_text("from file\n")
    assert load_station(write(text)).cameras[0].sources()["main"].password == "from file"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        (("[station]", "[station]\nextra = 1"), "station.extra"),
        (('id = "s1"', 'id = "S 1"'), "station.id"),
        (('zone = "ballot_box"', 'zone = "roof"'), "cameras.0.zone"),
        (("rtsp://10.0.0.1/main", "rtsp://u:p@10.0.0.1/main"), "cameras.0.main"),
        (("log.example", "log example"), "station.log_domain"),
        (("[[cameras]]", "[limits]\nuplink_mbps = -1\n[[cameras]]"), "limits.uplink_mbps"),
        (("[[cameras]]", "[duty]\nstart = 2027-01-10T07:00:00\n[[cameras]]"), "duty.start"),
        (("[[cameras]]", '[center]\nurl = "ftp://x"\nvkey = "k"\n[[cameras]]'), "center.url"),
        (
            ("[[cameras]]", "[duty]\nstart = 2027-01-10T07:00:00Z\nend = 2027-01-10T06:00:00Z\n[[cameras]]"),
            "end is not after start",
        ),
        (('password = "s3cret"', 'password = "s3cret"\npassword_file = "x"'), "not both"),
    ],
)
def test_a_mistake_is_named(write, change, key):
    with pytest.raises(SettingsError) as caught:
        load_station(write(GOOD.replace(*change)))
    told = caught.value.explain()
    assert key in told.why
    assert "s3cret" not in str(caught.value)
    assert "u:p@" not in str(caught.value)


def test_two_cameras_of_one_id(write):
    camera = GOOD[GOOD.index("[[cameras]]") :]
    with pytest.raises(SettingsError, match="two cameras have the id box"):
        load_station(write(GOOD + camera))


def test_no_camera(write):
    with pytest.raises(SettingsError, match="cameras"):
        load_station(write(GOOD[: GOOD.index("[[cameras]]")]))


def test_the_example_names_every_setting_and_loads(write):
    text = example_toml(
        election="e1",
        station="s1",
        log_domain="log.example",
        center_url="https://c.example",
        center_vkey="x+1+y",
        trust="policy.txt",
    )
    settings = load_station(write(text))
    assert settings.center.url == "https://c.example"
    for name, field in StationSettings.model_fields.items():
        assert f"[{name}]" in text or f"[[{name}]]" in text, name
        section = field.annotation
        for model in getattr(section, "__args__", (section,)):
            for key in getattr(model, "model_fields", ()):
                assert f"{key} = " in text or key == "password", f"{name}.{key}"


def test_a_broken_value_is_not_echoed_with_its_secret(write, caplog):
    with caplog.at_level(logging.DEBUG), pytest.raises(SettingsError) as caught:
        load_station(write(GOOD.replace('password = "s3cret"', 'password = ["s3cret"]')))
    assert "s3cret" not in json.dumps([str(caught.value), caplog.text])


def test_bench_settings_have_a_key(tmp_path):
    assert settings_for(tmp_path).identity_file.exists()
