"""A log and its witnesses as a monitor sees them: addresses that answer, lie, lag or fall silent. No network."""

import json
from pathlib import Path

from tests.ledger.witness_lab import ORIGIN, Branch, cosigned, policy_of

from aigaq.base import ManualClock
from aigaq.ledger.merkle import root_of
from aigaq.ledger.monitor import Alarm, Monitor, Target, UnreachableError
from aigaq.ledger.tiles import WIDTH
from aigaq.ledger.witness import StaleError, Witness, WitnessKeys, WitnessStore, origin_hash

URL = "https://log.example/log"


class World:
    """Four honest witnesses by default, quorum three."""

    def __init__(self, folder: Path, keys: list[WitnessKeys]) -> None:
        self.folder = folder
        self.clock = ManualClock()
        self.log = Branch()
        self.witnessed = b""
        self.silent: set[str] = set()
        self.answers: dict[str, bytes | None] = {}
        """Addresses that answer something of their own."""
        self.asked: list[str] = []
        self.witnesses = {self.url(k): self._witness(k) for k in keys}
        self.policy = policy_of(self.log.vkey, [k.verifiers()[0] for k in keys], 3, list(self.witnesses))
        self.monitor = self.open()

    @staticmethod
    def url(keys: WitnessKeys) -> str:
        return f"https://{keys.name}"

    def _witness(self, keys: WitnessKeys) -> Witness:
        place = self.folder / keys.name
        place.mkdir()
        WitnessStore.create(place / "db", place / "mark", time=1)
        store = WitnessStore.open(place / "db", place / "mark")
        return Witness(keys, {ORIGIN: [self.log.vkey]}, store, self.clock)

    def open(self, **settings: int) -> Monitor:
        target = Target(ORIGIN, URL, self.policy)
        return Monitor.open(target, self.folder / "m" / "state.sqlite", self.fetch, self.clock, **settings)

    def reopen(self) -> None:
        self.monitor.close()
        self.monitor = self.open()

    def close(self) -> None:
        self.monitor.close()
        for witness in self.witnesses.values():
            witness.close()

    # ---- what happens

    def grow(self, count: int = 1, salt: str = "") -> None:
        self.log.grow(count, salt)

    def feed(self, *which: int, log: Branch | None = None) -> None:
        """Let witnesses cosign, and publish what a quorum signed."""
        log, note = log or self.log, (log or self.log).note()
        lines = b""
        chosen = [list(self.witnesses.values())[i] for i in which] if which else list(self.witnesses.values())
        for witness in chosen:
            try:
                lines += witness.add_checkpoint(log.request(0))
            except StaleError as stale:
                lines += witness.add_checkpoint(log.request(stale.held))
        if self.policy.witnessed(cosigned(note, lines)):
            self.witnessed = cosigned(note, lines)

    def look(self, seconds: int = 10) -> dict[str, str]:
        """Time passes, the monitor looks; its alarms by code, with the subject."""
        self.clock.advance(seconds)
        self.monitor.round()
        return self.alarms()

    def alarms(self) -> dict[str, str]:
        return {str(alarm.code): alarm.subject for alarm in self.monitor.alarms()}

    def facts(self, code: Alarm) -> dict[str, object]:
        return dict(next(alarm.facts for alarm in self.monitor.alarms() if alarm.code is code))

    # ---- what is served

    def fetch(self, url: str, limit: int) -> bytes | None:
        self.asked.append(url)
        if any(url.startswith(base) for base in self.silent):
            raise UnreachableError(url=url, reason="ConnectError")
        if url in self.answers:
            return self.answers[url]
        data = self._of_log(url.removeprefix(URL + "/")) if url.startswith(URL) else self._of_witness(url)
        assert data is None or len(data) <= limit
        return data

    def _of_log(self, path: str) -> bytes | None:
        if path == "checkpoint":
            return self.log.note()
        if path == "witnessed":
            return self.witnessed or None
        _, level, *rest = path.split("/")
        width = WIDTH
        if rest[-2:-1] and rest[-2].endswith(".p"):
            width = int(rest.pop())
            rest[-1] = rest[-1].removesuffix(".p")
        return tile(self.log, level, int("".join(part.removeprefix("x") for part in rest)), width)

    def _of_witness(self, url: str) -> bytes | None:
        base, _, what = url.rpartition(f"/{origin_hash(ORIGIN)}/")
        witness = self.witnesses[base]
        if what == "checkpoint":
            return witness.held(ORIGIN).note or None
        return json.dumps([{"note": one.note.decode()} for one in witness.refused(ORIGIN)]).encode()


def tile(log: Branch, level: str, n: int, width: int) -> bytes | None:
    """A tile as tlog-tiles has it; as a log that drops partial tiles once the full one is there."""
    if level == "entries":
        row = [len(entry).to_bytes(2, "big") + entry for entry in log.entries]
    else:
        row, scale = log.leaves, WIDTH
        for _ in range(int(level)):
            row = [root_of(row[i : i + scale]) for i in range(0, len(row) // scale * scale, scale)]
    part = row[n * WIDTH : (n + 1) * WIDTH]
    if len(part) < width or (len(part) == WIDTH and width < WIDTH):
        return None
    return b"".join(part[:width])
