"""Zip files: those that an honest writer makes are read, and every trick is refused before a byte is trusted."""

import io
import struct
import zipfile
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aigaq_verify import ContainerError, StoredZip

FILES = {"clip.json": b"{}", "segments/1.m4s": b"video" * 99, "empty": b"", "records/4.cbor": b"\x80"}
names = st.text(st.sampled_from("abcXYZ0189/._-"), min_size=1, max_size=20)


class OneWay(io.RawIOBase):
    """A target that cannot seek, such as a socket: the writer must put sizes behind the bytes."""

    def __init__(self) -> None:
        self.data = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:
        self.data += data
        return len(data)


def read_all(data: bytes) -> dict[str, bytes]:
    package = StoredZip(io.BytesIO(data))
    return {name: package.read(name) for name in package.sizes}


def streamed(files: dict[str, bytes]) -> bytes:
    target = OneWay()
    with zipfile.ZipFile(target, "w") as package:
        for name, content in files.items():
            package.writestr(name, content)
    return bytes(target.data)


@given(st.dictionaries(names, st.binary(max_size=300), max_size=6))
def test_what_python_writes_is_read(kit, files):
    assert read_all(kit.stored_zip(files)) == files


def test_what_is_streamed_is_read():
    assert read_all(streamed(FILES)) == FILES


def test_what_info_zip_writes_is_read(tmp_path):
    """ditto with the field for times that other writers add."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as package:
        for name, content in FILES.items():
            info = zipfile.ZipInfo(name)
            info.extra = struct.pack("<HHBI", 0x5455, 5, 1, 1_795_000_000)
            package.writestr(info, content)
    assert read_all(target.getvalue()) == FILES


def test_more_files_than_fit_the_old_format(kit):
    files = {f"records/{i}.cbor": b"" for i in range(65_600)}
    assert StoredZip(io.BytesIO(kit.stored_zip(files))).sizes.keys() == files.keys()


def test_a_file_beyond_four_gigabytes(tmp_path):
    path = tmp_path / "large.zip"
    size = 2 << 30  # holes, which take no room on disk
    with path.open("wb") as stream:
        position, entries = 0, []
        for name in (b"a", b"b", b"last"):
            length = 4 if name == b"last" else size
            entries.append((name, position, length))
            stream.seek(position)
            stream.write(struct.pack("<4s5H3I2H", b"PK\3\4", 45, 0, 0, 0, 33, 0, length, length, len(name), 0) + name)
            position = stream.tell() + length
        stream.seek(position - 4)
        stream.write(b"last")
        for name, offset, length in entries:
            far = offset > 0xFFFFFFFE
            extra = struct.pack("<HHQ", 1, 8, offset) if far else b""
            stream.write(
                struct.pack("<4s6H3I", b"PK\1\2", 45, 45, 0, 0, 0, 33, zlib.crc32(name), length, length)
                + struct.pack("<5H2I", len(name), len(extra), 0, 0, 0, 0, 0xFFFFFFFF if far else offset)
                + name
                + extra
            )
        end = stream.tell()
        stream.write(struct.pack("<4sQ2H2I4Q", b"PK\6\6", 44, 45, 45, 0, 0, 3, 3, end - position, position))
        stream.write(struct.pack("<4sIQI", b"PK\6\7", 0, end, 1))
        stream.write(struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 3, 3, end - position, 0xFFFFFFFF, 0))
    with zipfile.ZipFile(path) as package:
        assert package.read("last") == b"last"
    with path.open("rb") as stream:
        package = StoredZip(stream)
        assert package.sizes == {"a": size, "b": size, "last": 4}
        assert package.read("last") == b"last"


def refused(data: bytes, reason: str) -> None:
    with pytest.raises(ContainerError, match=reason):
        read_all(data)


def test_every_cut_is_noticed(kit):
    data = kit.stored_zip(FILES)
    for size in range(len(data)):
        with pytest.raises(ContainerError):
            read_all(data[:size])


@given(st.data())
def test_changed_bytes_never_surprise(kit, data):
    changed = bytearray(kit.stored_zip(FILES))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ContainerError):
        assert sum(map(len, read_all(bytes(changed)).values())) == sum(map(len, FILES.values()))


@given(st.binary(max_size=300), st.integers(0, 5))
def test_any_bytes_give_a_reason(data, count):
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, count, count, min(len(data), 46 * count), 0, 0)
    for tried in (data, data + end):
        with suppress(ContainerError):
            assert isinstance(read_all(tried), dict)


def test_bytes_around_and_between_are_refused(kit):
    data = kit.stored_zip(FILES)
    refused(b"MZ" + data, "the directory does not reach")
    refused(data + b"\0", "cut off, or with bytes behind")
    at = data.index(b"PK\1\2")
    moved = data[:at] + b"between" + data[at:-6] + struct.pack("<I", at + 7) + b"\0\0"
    refused(moved, "belong to no file")


def test_two_files_of_one_name_are_refused(kit):
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
        (b"PK\1\2", 8, b"\1\0", "encrypted"), (b"PK\3\4", 6, b"\1\0", "not as the directory says"),
        (b"PK\3\4", 8, b"\x08\0", "not as the directory says"), (b"PK\3\4", 18, b"\xff\xff\xff\x7f",
        "not as the directory says"),
        (b"PK\1\2", 24, b"\xff\xff\xff\x7f", "compressed"), (b"PK\1\2", 20, b"\xff\xff\xff\x7f" * 2,
        "not as the directory says"),
        (b"PK\1\2", 20, b"\xff\xff\xff\xff" * 2, "too large"), (b"PK\1\2", 42, b"\1\0\0\0", "overlaps"),
        (b"PK\1\2", 42, b"\xff\xff\xff\xff", "without its place"), (b"PK\1\2", 46, b"C", "another name"),
        (b"PK\1\2", 46, b"\xd2", "plain ASCII"), (b"PK\1\2", 34, b"\1\0", "commented"), (b"PK\5\6", 4, b"\1\0",
        "does not reach"),
        (b"PK\5\6", 12, b"\xff\xff\xff\x7f", "does not reach"), (b"PK\5\6", 20, b"\1\0", "cut off"),
        (b"PK\5\6", 10, b"\xff\xff", "zip64"),
    ],
)  # fmt: skip
def test_contradictions_are_refused(kit, magic, at, value, reason):
    refused(patched(kit.stored_zip(FILES), magic, at, value), reason)


def test_overlapping_files_are_refused(kit):
    """The zip bomb of overlapping files: many names for the same bytes."""
    data = kit.stored_zip({"a": b"x" * 500})
    at = data.index(b"PK\1\2")
    central = data[at:-22]
    many = data[:at] + central + central.replace(b"a", b"b") + struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, 2, 2, 94, at, 0)
    refused(many, "overlaps")


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

    with pytest.raises(ContainerError, match="a directory of more than"):
        StoredZip(Huge())


def test_a_false_descriptor_is_refused():
    data = streamed({"a": b"12345"})
    refused(patched(data, b"PK\7\10", 8, b"\1\0\0\0"), "descriptor")
    refused(patched(data, b"PK\7\10", 0, b"XX"), "descriptor")
