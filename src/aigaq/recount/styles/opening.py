"""From the bytes of a blank to its picture. Looks at a file's head before it decodes: none can fill the memory."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, cast

import cv2
import numpy as np
import pypdfium2
from numpy.typing import NDArray

from aigaq.base import N_
from aigaq.recount.errors import BlankError, BlankPagesError

FILE_BYTES: Final = 200_000_000
PIXELS: Final = 80_000_000
"""A sheet of A3 at 600 dpi has 70 million."""
LEAST_SIDE: Final = 300
PDF_SIDE_MM: Final = 600.0
PX_PER_MM: Final = 8
_MM_PER_POINT: Final = 25.4 / 72

_DAMAGED: Final = N_("the picture is damaged")


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A blank as it came."""

    rgb: NDArray[np.uint8]
    size_mm: tuple[float, float] | None
    """Of the page, where the file tells: only a PDF does so reliably. Then the picture is the page, 8 px/mm."""


def open_blank(data: bytes, *, where: str, page: int | None = None) -> Picture:
    """The picture in a PNG, JPEG, TIFF or PDF.

    Args:
        data: The file.
        where: Its name, for errors.
        page: From 1; needed where the file has several.

    Raises:
        BlankError: no such picture, damaged, locked, too large, too small.
        BlankPagesError: the page is not named, or not there.
    """
    if data[:1024].lstrip()[:5] == b"%PDF-":
        return _pdf(data, where, page)
    if len(data) > FILE_BYTES:
        raise BlankError(where, problem=N_("the file is larger than 200 MB"))
    sizes = list(_sizes(data))
    if not sizes:
        raise BlankError(where, problem=N_("it is no PNG, JPEG, TIFF or PDF") if data else N_("the file is empty"))
    chosen = _page(page, len(sizes), where)
    _check_size(sizes[chosen], where)
    return Picture(_decoded(data, chosen, where), None)


def _page(page: int | None, pages: int, where: str) -> int:
    chosen = pages == 1 if page is None else page
    if not 1 <= chosen <= pages:
        raise BlankPagesError(where, pages=pages)
    return chosen - 1


def _check_size(size: tuple[int, int], where: str) -> None:
    if size[0] * size[1] > PIXELS:
        raise BlankError(where, problem=N_("the picture has more than 80 million pixels"))
    if min(size) < LEAST_SIDE:
        raise BlankError(where, problem=N_("the picture is too small to show boxes"))


def _decoded(data: bytes, page: int, where: str) -> NDArray[np.uint8]:
    coded = np.frombuffer(data, np.uint8)
    try:
        if page:
            _, pages = cv2.imdecodemulti(coded, cv2.IMREAD_COLOR_RGB, range=(page, page + 1))
            found = pages[0] if pages else None
        else:
            found = cv2.imdecode(coded, cv2.IMREAD_COLOR_RGB)
    except cv2.error as error:
        raise BlankError(where, problem=_DAMAGED) from error
    if found is None or found.size == 0:
        raise BlankError(where, problem=_DAMAGED)
    return found.astype(np.uint8, copy=False)


def _pdf(data: bytes, where: str, page: int | None) -> Picture:
    """A page of a PDF, drawn at 8 px/mm. The library is built without a script engine, so nothing in the file runs."""
    try:
        with pypdfium2.PdfDocument(data) as document:
            found = document[_page(page, len(document), where)]
            size = cast("tuple[float, float]", found.get_size())
            mm = (round(size[0] * _MM_PER_POINT, 1), round(size[1] * _MM_PER_POINT, 1))
            if not all(math.isfinite(side) and 50 <= side <= PDF_SIDE_MM for side in mm):
                raise BlankError(where, problem=N_("a side of the page is not from 50 to 600 mm"))
            scale = _MM_PER_POINT * PX_PER_MM
            drawn = found.render(scale, rev_byteorder=True, prefer_bgrx=True).to_numpy()  # pyright: ignore[reportArgumentType] - untyped, its default is 1
            wide, high = (round(side * PX_PER_MM) for side in mm)
            rgb = np.ascontiguousarray(drawn[:high, :wide, :3], dtype=np.uint8)  # the library rounds sizes up
    except pypdfium2.PdfiumError as error:
        locked = "password" in str(error).lower()
        problem = N_("the PDF is locked with a password") if locked else N_("the PDF is damaged")
        raise BlankError(where, problem=problem) from error
    return Picture(rgb, mm)


def _sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of each page, from the heads alone; nothing for what is no picture."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        if data[12:16] == b"IHDR" and len(data) >= 24:  # PNG, second edition, 11.2.2
            yield int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    elif data[:3] == b"\xff\xd8\xff":
        yield from _jpeg_size(data)
    elif data[:4] in {b"II*\0", b"MM\0*"}:
        yield from _tiff_sizes(data)


def _jpeg_size(data: bytes) -> Iterator[tuple[int, int]]:
    """From the first frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at + 9 < len(data) and data[at] == 0xFF:
        kind = data[at + 1]
        if kind == 0xFF:  # fill bytes may stand before a marker
            at += 1
        elif 0xC0 <= kind <= 0xCF and kind not in {0xC4, 0xC8, 0xCC}:
            yield int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
            return
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")


def _tiff_sizes(data: bytes) -> Iterator[tuple[int, int]]:
    """From the directory of each page (TIFF 6.0, section 2): tags 256 and 257."""
    order = "little" if data[:2] == b"II" else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(data[at : at + size], order)

    at, seen = number(4, 4), set[int]()
    while 8 <= at <= len(data) - 6 and at not in seen and len(seen) < 1000:
        seen.add(at)
        count = number(at, 2)
        entries = {number(e, 2): e for e in range(at + 2, min(at + 2 + 12 * count, len(data) - 11), 12)}
        if 256 not in entries or 257 not in entries:
            return
        wide, high = (number(entries[tag] + 8, 2 if number(entries[tag] + 2, 2) == 3 else 4) for tag in (256, 257))
        yield wide, high
        at = number(at + 2 + 12 * count, 4)
