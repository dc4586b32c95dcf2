"""The programs of a demo: the very commands that an operator runs, each in its own process with its own log file."""

import asyncio
import contextlib
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import httpx2

from aigaq.app.errors import PartStoppedError

GRACE_S: Final = 20.0
"""A box seals what it has before it goes."""
LAST_WORDS: Final = 400


@dataclass(frozen=True, slots=True)
class Part:
    """One running program."""

    name: str
    process: asyncio.subprocess.Process
    log: Path

    @classmethod
    async def start(cls, name: str, log: Path, *arguments: str) -> Self:
        """Run `aigaq ARGUMENTS…`, its output into the log file.

        It gets a session of its own, so that Ctrl-C reaches only the demo, which then stops everything in order.
        """
        with log.open("ab") as output:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "aigaq", *arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip
        return cls(name, process, log)

    async def watch(self) -> None:
        """Wait until it ends, which it must not.

        Raises:
            PartStoppedError: always, once it has ended.
        """
        code = await self.process.wait()
        words = self.log.read_text(encoding="utf-8", errors="replace").strip()[-LAST_WORDS:]
        raise PartStoppedError(str(self.log), part=self.name, exit_code=code, words=words)

    async def stop(self) -> None:
        """End it gently, then not."""
        if self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.process.wait(), GRACE_S)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()


async def answer_of(url: str) -> httpx2.Response | None:
    """The answer of a centre that may not be up yet."""
    async with httpx2.AsyncClient(timeout=5) as http:
        try:
            return await http.get(url)
        except httpx2.TransportError:
            return None
