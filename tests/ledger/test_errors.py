"""Every error explains itself in three languages, with its facts and its problem translated."""

import re
from pathlib import Path

import pytest

from aigaq.base import LANGUAGES, error_classes, translate
from aigaq.ledger import (
    BadReceiptError,
    KeyFileError,
    LedgerError,
    OversizedError,
    RootMismatchError,
    WrongKeyError,
    WrongSizeError,
)

REFERENCE = Path(__file__).parents[2] / "docs/reference/log.md"
CLASSES = [cls for cls in error_classes(LedgerError) if cls.__module__ == "aigaq.ledger.errors"]
EXAMPLES = [
    KeyFileError("station.key", problem="others than its owner may read it"),
    BadReceiptError("s-101", problem="it is for another record"),
    OversizedError("log", size=9, limit=8),
    RootMismatchError("log", size=9, evidence="forks/9"),
    WrongKeyError("log", origin="log.example/vote/s/s-1"),
    WrongSizeError("log", held=1, size=9, sent=2),
]


@pytest.mark.parametrize("error", EXAMPLES, ids=lambda e: e.code)
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_error_speaks(error, language):
    said = error.explain(language)
    assert "{" not in said.why + said.hint
    assert said.where == error.where
    assert all(str(fact) in said.why for name, fact in error.facts.items() if name != "problem")
    if language != "en":
        assert said.why != error.explain("en").why
        assert said.hint != error.explain("en").hint
        if "problem" in error.facts:
            assert translate(error.facts["problem"], language) in said.why != error.facts["problem"]


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_a_translation_names_the_same_facts(cls):
    for text in (cls.why, cls.hint):
        for language in LANGUAGES:
            assert sorted(re.findall(r"{\w+}", translate(text, language))) == sorted(re.findall(r"{\w+}", text))


@pytest.mark.parametrize("cls", CLASSES, ids=lambda c: c.__name__)
def test_every_code_stands_in_the_reference(cls):
    assert f"| `{cls.code}` |" in REFERENCE.read_text()
