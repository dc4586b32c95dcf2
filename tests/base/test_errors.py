"""Errors explain themselves in the reader's language, whatever facts they got."""

import pytest

from aigaq.base import LANGUAGES, N_, AigaqError, error_classes


class LampError(AigaqError):
    code = "base.test_lamp"
    why = N_("The lamp {name} is dark.")
    hint = N_("Turn it on.")


class RedLampError(LampError):
    code = "base.test_red_lamp"


def test_an_error_tells_code_place_reason_and_remedy() -> None:
    told = LampError("hall", name="№ 4").explain("en")
    assert (told.code, told.where, told.why, told.hint) == (
        "base.test_lamp",
        "hall",
        "The lamp № 4 is dark.",
        "Turn it on.",
    )
    assert str(LampError("hall", name="№ 4")) == "The lamp № 4 is dark. (hall)\nTurn it on.\n[base.test_lamp]"
    assert str(LampError(name=1)).startswith("The lamp 1 is dark.\n"), "no empty brackets"


def test_a_forgotten_fact_does_not_hide_the_error() -> None:
    assert "The lamp {name} is dark." in str(LampError("hall"))


def test_the_problem_is_told_in_the_readers_language_too() -> None:
    class StoveError(AigaqError):
        code = "base.test_stove"
        why = N_("Stove: {problem}")
        hint = N_("Name: {name}")

    error = StoveError(problem="Something went wrong.", name="Something went wrong.")
    assert error.explain("ru").why == "Stove: Что-то пошло не так."
    assert error.explain("ru").hint == "Name: Something went wrong.", "a name is never translated"


@pytest.mark.parametrize("value", ["{name}", "{0}", "%s", "{x.__class__}"])
def test_facts_are_never_templates(value: str) -> None:
    assert LampError(name=value).explain("en").why == f"The lamp {value} is dark."


def test_the_root_speaks_three_languages() -> None:
    said = {AigaqError().explain(language).why for language in LANGUAGES}
    assert len(said) == 3


def test_error_classes_lists_the_whole_tree() -> None:
    found = list(error_classes())
    assert found.index(LampError) < found.index(RedLampError)
    assert AigaqError not in found


def test_facts_and_place_are_kept_for_programs() -> None:
    error = LampError("hall", name="4")
    assert (error.where, error.facts) == ("hall", {"name": "4"})
    assert error.args == ("hall", {"name": "4"})
