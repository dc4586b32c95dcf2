"""Texts in three languages, and counted texts by CLDR's rules."""

from importlib.resources import files

import pytest
from babel.messages.plurals import get_plural
from hypothesis import given
from hypothesis import strategies as st

from aigaq.base import LANGUAGES, N_, as_language, i18n, translate, translate_plural
from aigaq.base.i18n import ROOMS, catalogue, plural_catalogue


@pytest.fixture
def forms(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = {"kk": {"one": ("бір", "көп")}, "ru": {"one": ("один", "два", "пять")}}
    monkeypatch.setattr(i18n, "plural_catalogue", counted.__getitem__)


def test_english_is_the_text_itself() -> None:
    assert translate("Anything at all", "en") == N_("Anything at all")


def test_a_known_text_is_translated() -> None:
    assert translate("Something went wrong.", "kk") == "Бірдеңе дұрыс болмады."
    assert translate("Something went wrong.", "ru") == "Что-то пошло не так."


def test_an_unknown_text_stays() -> None:
    assert translate("No catalogue has this", "kk") == "No catalogue has this"


ONE, FEW, MANY = (1, 21, 101, 1001), (2, 4, 22, 102), (0, 5, 11, 12, 14, 25, 111, 112)


@pytest.mark.parametrize(("counts", "ru"), [(ONE, "один"), (FEW, "два"), (MANY, "пять")])
def test_russian_counts(forms: None, counts: tuple[int, ...], ru: str) -> None:
    assert {translate_plural("one", "many", n, "ru") for n in counts} == {ru}


@pytest.mark.parametrize(
    ("n", "kk", "en"), [(0, "көп", "many"), (1, "бір", "one"), (2, "көп", "many"), (21, "көп", "many")]
)
def test_kazakh_and_english_count_one_and_other(forms: None, n: int, kk: str, en: str) -> None:
    assert translate_plural("one", "many", n, "kk") == kk
    assert translate_plural("one", "many", n, "en") == en


@given(st.integers(0, 10_000))
def test_the_form_is_the_one_of_the_catalogues_header(n: int) -> None:
    """Translators see Babel's plural rule in the file's header; the reader of the file must agree with it."""
    for language in ("kk", "ru"):
        rule = get_plural(language).plural_expr
        python = rule.replace("&&", " and ").replace("||", " or ").strip("()")
        form = int(eval(python, {"n": n}) if "?" not in python else _ternary(python, n))
        assert i18n._plural_form(n, language) == form


def _ternary(rule: str, n: int) -> int:
    condition, _, rest = rule.partition("?")
    yes, _, no = rest.partition(":")
    return int(yes) if eval(condition, {"n": n}) else _ternary(no, n) if "?" in no else int(no)


def test_an_unknown_counted_text_stays_english() -> None:
    assert translate_plural("a cat", "cats", 5, "ru") == "cats"


def test_language_codes() -> None:
    assert [as_language(code) for code in ("kk", "ru", "en", "de", "", None, "KK")] == [
        "kk",
        "ru",
        "en",
        None,
        None,
        None,
        None,
    ]


def test_every_room_with_catalogues_is_read() -> None:
    """A new room that is missing from the list would speak English."""
    rooms = {p.name for p in files("aigaq").iterdir() if p.joinpath("locales").is_dir()}
    assert rooms <= set(ROOMS)


def test_no_text_is_translated_in_two_ways() -> None:
    for language in LANGUAGES[:2]:
        seen: dict[str, str] = {}
        for text, said in i18n._messages(language):
            if isinstance(text, str) and isinstance(said, str) and said:
                assert seen.setdefault(text, said) == said, f"{language}: {text}"
        assert seen == dict(catalogue(language))
        assert all(len(f) == (2 if language == "kk" else 3) for f in plural_catalogue(language).values())
