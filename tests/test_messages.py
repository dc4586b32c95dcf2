"""Every text that a person sees speaks Kazakh and Russian: written, complete, with the same facts in it."""

import ast
import importlib
import io
import pkgutil
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

import aigaq
from aigaq.base import AigaqError, error_classes
from aigaq.base.i18n import ROOMS

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "aigaq"
sys.path.insert(0, str(ROOT / "tools"))
import messages  # noqa: E402 - tools are scripts, not a package

LANGUAGES = messages.LANGUAGES
NUMBERS = {"kk": 2, "ru": 3}
KAZAKH = re.compile("[әғқңөұүһіӘҒҚҢӨҰҮҺІ]")
SAME_EVERYWHERE = {"Aigaq", "RTSP", "UTC", "JSON", "{n}", "{n} %"}
"""Names and codes that no language translates."""


def forms(text: object) -> tuple[str, ...]:
    return tuple(text) if isinstance(text, list | tuple) else (str(text),)


@cache
def texts(room: str) -> tuple[tuple[str, ...], ...]:
    """The texts of a room: one form, or singular and plural."""
    return tuple(forms(m.id) for m in messages.collect(room) if m.id)


@cache
def catalogue(room: str, language: str) -> Catalog:
    path = SOURCE / room / "locales" / f"{language}.po"
    return read_po(io.BytesIO(path.read_bytes() if path.exists() else b""), locale=language)


@cache
def translations(language: str) -> dict[tuple[str, ...], tuple[str, ...]]:
    """All rooms' translations together, as `aigaq.base.i18n` merges them."""
    return {forms(m.id): forms(m.string) for room in ROOMS for m in catalogue(room, language) if m.id and not m.fuzzy}


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{[^{}]*\}|%\([a-z_]+\)[sd]|`[^`]+`|<[^<>]+>", text))


def cases() -> list[tuple[str, str]]:
    return [(room, language) for room in ROOMS for language in LANGUAGES]


@pytest.mark.parametrize(("room", "language"), cases())
def test_every_text_is_translated(room: str, language: str) -> None:
    said = translations(language)
    missing = [text[0] for text in texts(room) if not all(said.get(text, ("",)))]
    assert not missing, f"run `make messages`, then translate in {room}/locales/{language}.po: {missing}"


@pytest.mark.parametrize(("room", "language"), cases())
def test_translations_hold_the_same_facts_and_all_plural_forms(room: str, language: str) -> None:
    for text in texts(room):
        said = translations(language).get(text, ())
        if len(text) > 1:
            assert len(said) == NUMBERS[language], text
        for one in said:
            wanted = placeholders(text[-1])
            assert placeholders(one) == wanted or (len(text) > 1 and placeholders(one) <= wanted), (text, one)


@pytest.mark.parametrize(("room", "language"), cases())
def test_translations_are_not_the_english_text(room: str, language: str) -> None:
    said = translations(language)
    copied = [text[0] for text in texts(room) if text[0] in said.get(text, ()) and re.search("[a-z]{3}", text[0])]
    assert not set(copied) - SAME_EVERYWHERE


@pytest.mark.parametrize("room", ROOMS)
def test_kazakh_is_written_and_not_copied_from_russian(room: str) -> None:
    """Short loan words may agree; a sentence never does, and a Kazakh one has Kazakh letters."""
    kazakh, russian = translations("kk"), translations("ru")
    for text in texts(room):
        for one in kazakh.get(text, ()):
            words = re.findall(r"[^\W\d_]+", re.sub(r"\{[^{}]*\}|`[^`]+`", "", one))
            cyrillic = [w for w in words if re.search("[а-яёА-ЯЁ]", w) or KAZAKH.search(w)]
            if len(cyrillic) > 2:
                assert one not in russian.get(text, ()), one
            if len(cyrillic) > 4:
                assert KAZAKH.search(one), one


@pytest.mark.parametrize(("room", "language"), cases())
def test_catalogues_hold_nothing_unused_or_unsure(room: str, language: str) -> None:
    found = catalogue(room, language)
    used = set(texts(room))
    assert not found.obsolete
    assert not [m.id for m in found if m.id and m.fuzzy]
    assert not [m.id for m in found if m.id and forms(m.id) not in used], "run `make messages`"


def test_catalogues_are_as_the_tool_writes_them() -> None:
    """Then `make messages` changes only what was translated, and a review shows only that."""
    for room, language in cases():
        path = SOURCE / room / "locales" / f"{language}.po"
        if path.exists():
            assert messages.renewed(messages.collect(room), path.read_bytes(), language) == path.read_bytes(), path


def test_the_tool_keeps_translations_and_forgets_unused_texts(tmp_path: Path) -> None:
    room = tmp_path / "web" / "templates"
    room.mkdir(parents=True)
    (room / "page.html").write_text("{{ _('Old') }} {% trans n=1 %}one{% pluralize %}{{ n }} many{% endtrans %}")
    (tmp_path / "web" / "words.py").write_text('N_("Marked")\ntranslate_plural("cat", "cats", 2, "ru")\nother("No")')
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "pages.py").write_text('translate("From pages", language)')
    (tmp_path / "archive" / "store.py").write_text('N_("From the store")')
    found = messages.collect("web", tmp_path)
    ids = {forms(m.id) for m in found if m.id}
    assert ids == {("Old",), ("one", "%(n)s many"), ("Marked",), ("cat", "cats"), ("From pages",)}
    assert {forms(m.id) for m in messages.collect("archive", tmp_path) if m.id} == {("From the store",)}
    old = b'msgid ""\nmsgstr "Language: ru\\n"\n\nmsgid "Old"\nmsgstr "\xd0\xa1"\n\nmsgid "Gone"\nmsgstr "X"\n'
    new = messages.renewed(found, old, "ru").decode()
    assert 'msgid "Old"\nmsgstr "С"' in new
    assert "Gone" not in new
    assert messages.renewed(found, new.encode(), "ru").decode() == new


@cache
def calls() -> dict[str, list[tuple[Path, ast.Call]]]:
    """Every call of the product by the name that is called."""
    found: dict[str, list[tuple[Path, ast.Call]]] = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found.setdefault(node.func.id, []).append((path, node))
    return found


def raised() -> Iterator[tuple[Path, ast.Call, type[AigaqError]]]:
    """Every place that makes one of our errors; a name that two rooms use is the own room's."""
    ours = [cls for cls in error_classes() if cls.__module__.startswith("aigaq.")]
    for cls in ours:
        twins = any(c.__name__ == cls.__name__ and c is not cls for c in ours)
        for path, call in calls().get(cls.__name__, ()):
            if not twins or path.relative_to(SOURCE).parts[0] == cls.__module__.split(".")[1]:
                yield path, call, cls


def has_own_constructor(cls: type[AigaqError]) -> bool:
    return any("__init__" in vars(c) for c in cls.__mro__ if c.__module__.startswith("aigaq.") and c is not AigaqError)


def test_errors_get_every_fact_that_their_texts_name() -> None:
    for module in pkgutil.walk_packages(aigaq.__path__, "aigaq."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    seen = 0
    for path, call, cls in raised():
        given = {k.arg for k in call.keywords}
        if has_own_constructor(cls) or None in given:
            continue
        named = {p[1:-1].split(":")[0].split("!")[0] for p in re.findall(r"\{[^{}]+\}", cls.why + cls.hint)}
        assert named <= given, f"{path.name}:{call.lineno} {cls.__name__} lacks {named - given}"
        seen += 1
    assert seen > 20
