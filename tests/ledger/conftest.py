"""A station's key, and power failures at a chosen moment."""

import os
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from aigaq.ledger import SigningKey

ORIGIN = "log.example/vote-26/s/s-101"
KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(b"\1" * 32))


class PowerFailure(BaseException):
    """The box lost power: nothing may catch this."""


@contextmanager
def power_failing_at(step: int, fault: Callable[[], BaseException] = PowerFailure) -> Iterator[list[Path]]:
    """Lets `step` calls that change the disk pass and fails at the next; yields the names that were not yet synced.

    Whatever was renamed or made since the last sync of its folder may or may not survive: the caller decides.
    """
    left = [step]
    unsynced: list[Path] = []
    synced: set[Path] = set()
    whole = {"fsync": os.fsync, "replace": Path.replace, "mkdir": Path.mkdir, "unlink": Path.unlink}

    def spend() -> None:
        if left[0] == 0:
            raise fault()
        left[0] -= 1

    def fsync(handle: int) -> None:
        spend()
        whole["fsync"](handle)
        path = Path(f"/proc/self/fd/{handle}").resolve()
        synced.add(path)
        unsynced[:] = [renamed for renamed in unsynced if renamed.parent != path]

    def replace(self: Path, target: Path) -> Path:
        spend()
        assert self.resolve() in synced, "a name before its bytes are on disk"
        unsynced.append(target)
        return whole["replace"](self, target)

    def mkdir(self: Path, **options: bool) -> None:
        spend()
        whole["mkdir"](self, **options)

    def unlink(self: Path, **options: bool) -> None:
        spend()
        whole["unlink"](self, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", fsync)
        patch.setattr(Path, "replace", replace)
        patch.setattr(Path, "mkdir", mkdir)
        patch.setattr(Path, "unlink", unlink)
        yield unsynced


@pytest.fixture(scope="module", autouse=True)
def disk_without_waiting() -> Iterator[None]:
    """A sync changes nothing that a running kernel shows; what it means for a crash is played by `power_failing_at`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(scope="session")
def box() -> types.ModuleType:
    """This module: `box.KEY`, `box.ORIGIN`, `box.power_failing_at(step)`."""
    return sys.modules[__name__]
