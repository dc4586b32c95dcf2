"""Settings files: all wrong keys at once, near misses named, values never repeated."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from aigaq.base import Settings, SettingsError, load_settings


class Lamp(Settings):
    watts: int
    password: SecretStr = SecretStr("")


class House(Settings):
    name: str
    lamps: tuple[Lamp, ...] = ()
    porch: Lamp | None = None


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "house.toml"


def refused(path: Path, text: str | bytes) -> str:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(SettingsError) as caught:
        load_settings(House, path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_a_right_file(path: Path, mark: str) -> None:
    path.write_text(mark + 'name = "x"\n[[lamps]]\nwatts = 5\n', encoding="utf-8")
    assert load_settings(House, path) == House(name="x", lamps=(Lamp(watts=5),))


def test_all_wrong_keys_at_once(path: Path) -> None:
    told = refused(path, "[[lamps]]\nwatts = 'many'\n[[lamps]]\n")
    assert "name: Field required" in told
    assert "lamps.0.watts: " in told
    assert "lamps.1.watts: Field required" in told


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("name = 'x'\nlamp = 1", "lamp: no such key, perhaps lamps"),
        ("name = 'x'\n[[lamps]]\nwatts = 1\nwats = 2", "lamps.0.wats: no such key, perhaps watts"),
        ("name = 'x'\n[porch]\nwatts = 1\npasword = 'Geheim7'", "porch.pasword: no such key, perhaps password"),
        ("name = 'x'\nzzz = 1", "zzz: no such key."),
    ],
)
def test_a_mistyped_key(path: Path, text: str, hint: str) -> None:
    assert hint in refused(path, text)


def test_values_are_not_repeated(path: Path) -> None:
    told = refused(path, "name = 'x'\n[porch]\nwatts = 'Geheim7'\npassword = 7777777\npasword = 'Geheim7'")
    assert "eheim7" not in told
    assert "7777777" not in told


@pytest.mark.parametrize(
    "text", ["name = ", b"\xff\xfe", b"name = '\xe9'", "x = " + "[" * 100_000, "name = " + "9" * 5000]
)
def test_no_toml(path: Path, text: str | bytes) -> None:
    refused(path, text)


def test_no_file(path: Path) -> None:
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(House, path)


def test_settings_are_frozen() -> None:
    house = House(name="x")
    with pytest.raises(ValueError, match="frozen"):
        house.name = "y"
