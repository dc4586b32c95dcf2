"""Zip files: those that an honest writer makes are read, and every trick is refused before a byte is trusted."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.proof_lab import stored_zip

from aigaq_verify import NotEvidenceError, StoredZip

FILES = {"clip.json": b"{}", "segments/1.m4s": b"video" * 99, "empty": b"", "records/4.cbor": b"\x80"}
names = st.text(st.sampled_from("abcXYZ0189/._-"), min_size=1, max_size=20)


def read_all(data: bytes) -> dict[str, bytes]:
    package = StoredZip(io.BytesIO(data))
    return {name: package.read(name) for name in package.sizes}


@given(st.dictionaries(names, st.binary(max_size=300), max_size=6))
def test_what_python_writes_is_read(files):
    assert read_all(stored_zip(files)) == files


def refused(data: bytes, reason: str) -> None:
    with pytest.raises(NotEvidenceError, match=reason):
        read_all(data)


def test_every_cut_is_noticed():
    data = stored_zip(FILES)
    for size in range(len(data)):
        with pytest.raises(NotEvidenceError):
            read_all(data[:size])


@given(st.data())
def test_changed_bytes_never_surprise(data):
    changed = bytearray(stored_zip(FILES))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotEvidenceError):
        assert sum(map(len, read_all(bytes(changed)).values())) == sum(map(len, FILES.values()))


@given(st.binary(max_size=300), st.integers(0, 5))
def test_any_bytes_give_a_reason(data, count):
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, min(len(data), 46 * count), 0, 0)
    for tried in (data, data + end):
        with suppress(NotEvidenceError):
            assert isinstance(read_all(tried), dict)


def test_bytes_around_and_between_are_refused():
    data = stored_zip(FILES)
    refused(b"MZ" + data, "the directory does not reach")
    refused(data + b"\0", "cut off, or with bytes behind")
    at = data.index(b"PK\1\2")
    moved = data[:at] + b"between" + data[at:-6] + struct.pack("<I", at + 7) + b"\0\0"
    refused(moved, "not as many or as long")


def test_two_files_of_one_name_are_refused():
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("a", b"one")
        with pytest.warns(UserWarning, match="Duplicate"):
            package.writestr("a", b"two")
    refused(target.getvalue(), "two files are called 'a'")


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compressed_files_are_refused(method):
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as package:
        package.writestr("bomb", bytes(1 << 20))
    refused(target.getvalue(), "compressed")


def patched(data: bytes, magic: bytes, at: int, value: bytes) -> bytes:
    place = data.index(magic) + at
    return data[:place] + value + data[place + len(value) :]


@pytest.mark.parametrize(
    ("magic", "at", "value", "reason"),
    [
        (b"PK\1\2", 8, b"\1\0", "encrypted"), (b"PK\1\2", 8, b"\x08\0", "encrypted"),
        (b"PK\3\4", 6, b"\1\0", "as the directory"),
        (b"PK\3\4", 8, b"\x08\0", "as the directory"), (b"PK\3\4", 18, b"\xff\xff\xff\x7f", "as the directory"),
        (b"PK\1\2", 10, b"\x08\0", "compressed"), (b"PK\1\2", 24, b"\xff\xff\xff\x7f", "compressed"),
        (b"PK\1\2", 20, b"\xff\xff\xff\x7f" * 2, "as the directory"), (b"PK\1\2", 30, b"\4\0", "more to it"),
        (b"PK\3\4", 28, b"\4\0", "as the directory"), (b"PK\1\2", 42, b"\1\0\0\0", "does not begin"),
        (b"PK\1\2", 46, b"C", "does not begin"), (b"PK\1\2", 46, b"\xd2", "cannot be read"),
        (b"PK\1\2", 34, b"\1\0", "cannot be read"),
        (b"PK\1\2", 32, b"\1\0", "cannot be read"), (b"PK\1\2", 28, b"\xff\xff", "cannot be read"),
        (b"PK\5\6", 4, b"\1\0", "does not reach"), (b"PK\5\6", 8, b"\1\0", "does not reach"),
        (b"PK\5\6", 8, b"\3\0\3\0", "not as many"), (b"PK\5\6", 12, b"\xff\xff\xff\x7f", "does not reach"),
        (b"PK\5\6", 20, b"\1\0", "cut off"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(magic, at, value, reason):
    refused(patched(stored_zip(FILES), magic, at, value), reason)


def test_a_second_name_in_an_extra_field_is_refused():
    """Info-ZIP's Unicode path field gives a file another name for those tools that read it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        info = zipfile.ZipInfo("a")
        info.extra = struct.pack("<HHBI", 0x7075, 6, 1, zlib.crc32(b"a")) + b"b"
        package.writestr(info, b"")
    refused(target.getvalue(), "more to it")


def test_a_streamed_zip_with_sizes_behind_the_bytes_is_refused():
    class OneWay(io.RawIOBase):
        data = b""

        def writable(self) -> bool:
            return True

        def write(self, data) -> int:
            self.data += bytes(data)
            return len(data)

    target = OneWay()
    with zipfile.ZipFile(target, "w") as package:
        package.writestr("a", b"12345")
    refused(target.data, "more to it")


def test_overlapping_files_are_refused():
    """The zip bomb of overlapping files: many names for the same bytes."""
    data = stored_zip({"a": b"x" * 500})
    at = data.index(b"PK\1\2")
    central = data[at:-22]
    many = data[:at] + central + central.replace(b"a", b"b") + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 94, at, 0)
    refused(many, "does not begin")


def test_a_directory_of_millions_is_refused_unread():
    class Huge(io.RawIOBase):
        """A file whose end promises a directory of 300 MB: reading it all would be noticed."""

        end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 9, 9, 300 << 20, 0, 0)
        place = 0

        def seek(self, offset, whence=0):
            self.place = offset + (300 << 20) + len(self.end) if whence == 2 else offset
            return self.place

        def read(self, size=-1):
            assert 0 <= size < 1024
            return self.end if self.place == 300 << 20 else bytes(size)

    with pytest.raises(NotEvidenceError, match="too long"):
        StoredZip(Huge())
