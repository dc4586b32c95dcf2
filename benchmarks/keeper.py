"""What must stand beside ffmpeg to do what the box does at least in part: hash each finished file and sync it.

python -m benchmarks.keeper FOLDER …   one folder for each camera; a file is finished when a later one is there.
"""

import hashlib
import os
import sys
import time
from pathlib import Path


def keep(path: Path) -> str:
    """Hash a file's bytes and have them on the disk for good."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fdatasync(file.fileno())
    return digest


def main(folders: list[Path]) -> None:
    """Look twice a second, for ever."""
    done: dict[Path, int] = dict.fromkeys(folders, 0)
    while True:
        for folder, next_ in done.items():
            path, later = folder / f"{next_:05d}.m4s", folder / f"{next_ + 1:05d}.m4s"
            if later.exists():
                keep(path)
                done[folder] += 1
        time.sleep(0.5)


if __name__ == "__main__":
    main([Path(word) for word in sys.argv[1:]])
