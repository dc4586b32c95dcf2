"""Every code of the room is explained, translated and documented."""

from tests.conftest import REPO

from aigaq.base import LANGUAGES, error_classes
from aigaq.capture.errors import CaptureError, StreamFinding
from aigaq.capture.patch import NotReadableError

CODES = {CaptureError.code: CaptureError, **{c.code: c for c in error_classes(CaptureError)}}


def test_codes_are_unique_and_of_this_room():
    assert len(CODES) == 1 + len(list(error_classes(CaptureError)))
    assert all(code.startswith("capture.") for code in CODES)
    assert NotReadableError.code in CODES


def test_each_has_a_row_in_the_reference():
    page = (REPO / "docs/reference/capture.md").read_text(encoding="utf-8")
    assert [code for code in CODES if f"| `{code}` |" not in page] == []


def test_each_speaks_every_language():
    for error in CODES.values():
        facts = dict.fromkeys(
            [
                "problem",
                "method",
                "seconds",
                "status",
                "reason",
                "count",
                "codec",
                "milliseconds",
                "share",
                "ppm",
                "width",
                "height",
                "fps",
                "wanted",
                "kbps",
                "lost",
                "total",
            ],
            "7",
        )
        told = [error("", **facts).explain(language) for language in LANGUAGES]
        assert len({t.why for t in told}) == len(LANGUAGES), error.code
        assert len({t.hint for t in told}) == len(LANGUAGES), error.code


def test_findings_are_no_reason_to_stop():
    assert not any(
        issubclass(c, StreamFinding) for c in CODES.values() if c.code in {"capture.silent", "capture.closed"}
    )
