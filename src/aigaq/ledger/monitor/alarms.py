"""What a monitor finds wrong: stable codes, in words for people. Some stay for ever, some end when all is right."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aigaq.base import N_, Language, fill


class Alarm(StrEnum):
    """The codes."""

    FORK = "fork"
    ROLLBACK = "rollback"
    BAD_NOTE = "bad_note"
    TILES = "tiles"
    UNKNOWN_LEAF = "unknown_leaf"
    STATION_FORK = "station_fork"
    STATION_ROLLBACK = "station_rollback"
    STATION_KEY = "station_key"
    WITNESS_ROLLBACK = "witness_rollback"
    WITNESS_CLOCK = "witness_clock"
    STALLED = "stalled"
    SILENT = "silent"
    QUORUM_LOST = "quorum_lost"
    WITNESS_BEHIND = "witness_behind"
    WITNESS_SILENT = "witness_silent"
    ABSENCE = "absence"


LASTING: Final = frozenset({
    Alarm.FORK, Alarm.ROLLBACK, Alarm.UNKNOWN_LEAF, Alarm.STATION_FORK, Alarm.STATION_ROLLBACK, Alarm.STATION_KEY,
    Alarm.WITNESS_ROLLBACK,
})  # fmt: skip
"""They happened; nothing undoes them."""

WORDS: Final[Mapping[Alarm, str]] = {
    Alarm.FORK: N_("The log {subject} has signed two contradicting histories. Proof: {proof}."),
    Alarm.ROLLBACK: N_("{subject} went back from {before} entries to {after}."),
    Alarm.BAD_NOTE: N_("What {subject} publishes cannot be used: {problem}."),
    Alarm.TILES: N_("The entries and hashes that {subject} serves do not lead to the checkpoint of {size} entries."),
    Alarm.UNKNOWN_LEAF: N_("Entry {subject} of the log has no place there: {problem}."),
    Alarm.STATION_FORK: N_("Station {subject} has signed two different histories of {size} rows. Proof: {proof}."),
    Alarm.STATION_ROLLBACK: N_("Station {subject} went back from {before} rows to {after}: entry {index}."),
    Alarm.STATION_KEY: N_("A checkpoint of station {subject} is signed by no key that the log knows: entry {index}."),
    Alarm.WITNESS_ROLLBACK: N_("The witness {subject} went back from {before} entries to {after}."),
    Alarm.WITNESS_CLOCK: N_("The clock of the witness {subject} is off by {seconds} seconds."),
    Alarm.STALLED: N_("The log {subject} has published no new checkpoint for {seconds} seconds."),
    Alarm.SILENT: N_("The log {subject} does not answer: {reason}."),
    Alarm.QUORUM_LOST: N_(
        "For {seconds} seconds too few witnesses have signed the log {subject}: it goes on UNWITNESSED."
    ),
    Alarm.WITNESS_BEHIND: N_("The witness {subject} has signed nothing for {seconds} seconds while the log grew."),
    Alarm.WITNESS_SILENT: N_("The witness {subject} does not answer: {reason}."),
    Alarm.ABSENCE: N_("Nobody has heard station {subject} since {since}; the log says so."),
}


@dataclass(frozen=True, slots=True)
class Raised:
    """One alarm: about whom, since when, and the facts; `cleared_ms` is set when it is right again."""

    code: Alarm
    subject: str
    since_ms: int
    facts: Mapping[str, object]
    cleared_ms: int | None = None

    def words(self, language: Language) -> str:
        """What a person is told."""
        return fill(WORDS[self.code], language, {"subject": self.subject, **self.facts})
