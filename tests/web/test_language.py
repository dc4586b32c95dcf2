from hypothesis import given
from hypothesis import strategies as st

from aigaq.base import LANGUAGES
from aigaq.web.language import in_language, language_of, negotiate


def test_the_best_wish_wins():
    assert negotiate("kk-KZ,ru;q=0.8,en;q=0.5") == "kk"
    assert negotiate("de,en;q=0.7,ru;q=0.9") == "ru"
    assert negotiate("en;q=0, kk;q=0.1") == "kk"


def test_without_a_usable_wish_it_is_russian():
    for header in (None, "", "de", "en;q=0", "en;q=nan", "en;q=7", ";;;,,,", "*"):
        assert negotiate(header) == "ru"


@given(st.text(max_size=300))
def test_any_header_gives_a_language(header):
    assert negotiate(header) in LANGUAGES


def test_address_decides_before_the_browser():
    assert language_of("/en/station/x", "kk") == "en"
    assert language_of("/station/x", "kk") == "kk"
    assert language_of("", None) == "ru"


def test_switch_keeps_the_rest_of_the_address():
    assert in_language("/ru/station/a-1", "camera=c&t=5", "kk") == "/kk/station/a-1?camera=c&t=5"
    assert in_language("/nonsense/x", "", "en") == "/en/"
    assert in_language("/ru/", "q=%D1%88", "en") == "/en/?q=%D1%88"


@given(st.sampled_from(LANGUAGES), st.sampled_from(LANGUAGES), st.text("abc/-", max_size=20))
def test_there_and_back_is_the_same_page(one, other, rest):
    path = f"/{one}/{rest}"
    assert in_language(in_language(path, "", other), "", one) == path
