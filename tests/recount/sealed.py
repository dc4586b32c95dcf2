"""Clips with sealed segments made of any film, for tests of what is read from them. They hold no proofs."""

import hashlib
import zipfile
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from aigaq_verify import Manifest, SegmentRecord, encode_manifest, init_file, record_file, segment_file

START_MS: Final = 1_800_000_000_000
LENGTH_MS: Final = 2000


def seal(
    film: Path, folder: Path, ffmpeg: Callable[..., str], *, missing: Collection[int] = (), camera: str = "table-1"
) -> Path:
    """A clip of the film in segments of two seconds, beginning at `START_MS`, without some of them."""
    folder.mkdir()
    ffmpeg(
        "-v", "error", "-i", film, "-c", "copy", "-output_ts_offset", START_MS // 1000, "-f", "hls", "-hls_time", 2,
        "-hls_segment_type", "fmp4", "-hls_playlist_type", "vod", "-hls_fmp4_init_filename", "init.mp4",
        "-hls_segment_filename", folder / "%d.m4s", folder / "list.m3u8",
    )  # fmt: skip
    init = (folder / "init.mp4").read_bytes()
    files = {init_file(hashlib.sha256(init).digest()): init}
    parts = sorted(folder.glob("*.m4s"), key=lambda p: int(p.stem))
    for number, part in enumerate(parts):
        if number in missing:
            continue
        media = part.read_bytes()
        record = SegmentRecord(
            "example", "0001", camera, "main", number, START_MS + number * LENGTH_MS, LENGTH_MS, len(media),
            hashlib.sha256(media).digest(), hashlib.sha256(init).digest(),
        )  # fmt: skip
        files[record_file(number)] = record.encode()
        files[segment_file(record)] = media
    end = START_MS + len(parts) * LENGTH_MS
    manifest = Manifest("example", "0001", camera, "main", START_MS, end, "log/s/0001", tuple(files), "log")
    return pack({"clip.json": encode_manifest(manifest), **files}, folder / "clip.zip")


def pack(files: dict[str, bytes], path: Path) -> Path:
    """Files as a clip holds them: stored, without times."""
    with zipfile.ZipFile(path, "w") as package:
        for name, data in files.items():
            package.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return path
