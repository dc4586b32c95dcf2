"""A blank is opened by what its head says, or refused with a reason; no file fills the memory."""

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pypdfium2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.recount.styles.pdf import pdf_of
from tests.recount.styles.sights import coded

from aigaq.base import AigaqError
from aigaq.recount.errors import BlankError, BlankPagesError
from aigaq.recount.styles.opening import open_blank

SHEET = np.full((420, 300, 3), (203, 224, 241), np.uint8)


def problem(data: bytes, **asked: int) -> str:
    with pytest.raises(BlankError) as caught:
        open_blank(data, where="blank", **asked)
    return str(caught.value.facts["problem"])


@pytest.mark.parametrize("kind", [".png", ".jpg", ".tif"])
def test_pictures_are_read_in_their_colours(kind):
    found = open_blank(coded(SHEET, kind), where="blank")
    assert found.rgb.shape == SHEET.shape
    assert found.size_mm is None
    assert abs(found.rgb[200, 150].astype(int) - SHEET[0, 0]).max() <= 3


def test_a_pdf_tells_its_size():
    found = open_blank(pdf_of([(210, 297)]), where="blank")
    assert found.size_mm == (210.0, 297.0)
    assert found.rgb.shape == (2376, 1680, 3)
    assert found.rgb[60 * 8, 80 * 8].tolist() == [0, 0, 0]
    assert found.rgb[10, 10].tolist() == [255, 255, 255]


def test_of_several_pages_one_is_named():
    thirty = pdf_of([(210, 297)] * 30)
    for page in (None, 0, 31):
        with pytest.raises(BlankPagesError, match="30"):
            open_blank(thirty, where="blank", page=page)
    assert open_blank(thirty, where="blank", page=30).size_mm == (210.0, 297.0)
    ok, tiff = cv2.imencodemulti(".tif", [SHEET, SHEET[::-1, :, ::-1].copy()])
    assert ok
    with pytest.raises(BlankPagesError):
        open_blank(tiff.tobytes(), where="blank")
    assert open_blank(tiff.tobytes(), where="blank", page=2).rgb.shape == SHEET.shape


def test_a_locked_pdf_is_told_apart_from_a_damaged_one():
    assert problem(pdf_of([(210, 297)], locked=True)) == "the PDF is locked with a password"
    assert problem(b"%PDF-1.7\n" + b"x" * 500) == "the PDF is damaged"
    assert problem(pdf_of([(5000, 5000)])) == "a side of the page is not from 50 to 600 mm"


def test_a_bomb_is_refused_before_it_is_decoded():
    """10,000 x 10,000 pixels in some hundred bytes."""
    head = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 2, 0, 0, 0)
    body = zlib.compress(b"\0" * 100_000, 9)
    png = b"\x89PNG\r\n\x1a\n"
    for kind, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b"")):
        png += struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    assert problem(png) == "the picture has more than 80 million pixels"


def test_what_is_no_picture_is_refused():
    assert problem(b"") == "the file is empty"
    assert problem(b"GIF89a" + b"\0" * 100) == "it is no PNG, JPEG, TIFF or PDF"
    assert problem(coded(SHEET, ".png")[:200]) == "the picture is damaged"
    assert problem(coded(SHEET[:200, :200], ".png")) == "the picture is too small to show boxes"


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0", b"II*\0", b"MM\0*", b"%PDF-1.4"]),
)
def test_any_bytes_are_opened_or_refused(data, head):
    with pytest.raises(AigaqError):
        open_blank(head + data, where="blank")


SMALL = np.random.default_rng(1).integers(0, 255, (310, 300, 3), dtype=np.uint8)
FILES = [*(coded(SMALL, kind) for kind in (".png", ".jpg", ".tif")), pdf_of([(60, 60)])]


@given(st.sampled_from(FILES), st.lists(st.tuples(st.floats(0, 0.999), st.integers(0, 255)), min_size=1, max_size=9))
@settings(max_examples=60)
def test_a_file_that_was_changed_is_opened_or_refused(data, changes):
    """Most changes go where heads are: near the beginning."""
    changed = bytearray(data)
    for share, value in changes:
        changed[int(share**3 * len(changed))] = value
    with contextlib.suppress(BlankError, BlankPagesError):
        found = open_blank(bytes(changed), where="blank")
        assert found.rgb.dtype == np.uint8
        assert found.rgb.ndim == 3


def test_the_library_that_draws_runs_no_scripts():
    assert pypdfium2.PdfDocument(io.BytesIO(pdf_of([(210, 297)]))).get_formtype() == 0
    assert "V8" not in str(pypdfium2.version.PDFIUM_INFO.flags)
