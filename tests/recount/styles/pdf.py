"""Small PDF files, written by hand (ISO 32000-1): a black square on white pages, and one that nobody may open."""

from collections.abc import Sequence

POINT = 72 / 25.4
LOCK = (
    b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -44 /O <" + b"11" * 32 + b"> /U <" + b"22" * 32 + b"> >>"
)  # no password leads to these hashes


def pdf_of(sizes_mm: Sequence[tuple[float, float]], *, locked: bool = False) -> bytes:
    """Pages of these sizes; on each a square of 20 mm, 50 mm from the left and from the top."""
    kids = " ".join(f"{3 + 2 * n} 0 R" for n in range(len(sizes_mm)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(sizes_mm)} >>".encode(),
    ]
    for n, (wide, tall) in enumerate(sizes_mm):
        box = f"[0 0 {wide * POINT:.2f} {tall * POINT:.2f}]"
        objects.append(f"<< /Type /Page /Parent 2 0 R /MediaBox {box} /Contents {4 + 2 * n} 0 R >>".encode())
        draw = f"0 g {70 * POINT:.2f} {(tall - 70) * POINT:.2f} {20 * POINT:.2f} {20 * POINT:.2f} re f".encode()
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(draw), draw))
    return _file(objects, b"/Encrypt %d 0 R /ID [<00> <00>]" % (len(objects) + 1) if locked else b"")


def _file(objects: list[bytes], trailer: bytes) -> bytes:
    if trailer:
        objects = [*objects, LOCK]
    out, places = bytearray(b"%PDF-1.4\n"), list[int]()
    for n, body in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (n, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, start)
    return bytes(out)
