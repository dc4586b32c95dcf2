"""The alarms as they stand: raised once, kept with their first moment, ended when it is right again."""

import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from aigaq.ledger.monitor.alarms import LASTING, Alarm, Raised

MAX_OF_A_CODE: Final = 20_000
"""Alarms kept of one code, more than there are stations: a log that invents subjects fills no disk."""
_logger = logging.getLogger(__name__)


class Board:
    """All alarms of one monitor."""

    def __init__(self, known: Iterable[Raised]) -> None:
        self._alarms = {(alarm.code, alarm.subject): alarm for alarm in known}
        self._changed: dict[tuple[Alarm, str], Raised] = {}
        self._counts = Counter(code for code, _ in self._alarms)

    def current(self) -> list[Raised]:
        """What is wrong now, the oldest first."""
        return sorted((a for a in self._alarms.values() if a.cleared_ms is None), key=lambda a: a.since_ms)

    def raise_(self, code: Alarm, subject: str, at_ms: int, **facts: object) -> None:
        """Something is wrong; of what goes on the first moment is kept, and the first facts of what lasts."""
        before = self._alarms.get((code, subject))
        if before and before.cleared_ms is None:
            if code not in LASTING and before.facts != facts:
                self._set(replace(before, facts=facts))
            return
        if before or self._counts[code] < MAX_OF_A_CODE:
            self._counts[code] += before is None
            alarm = Raised(code, subject, at_ms, facts)
            _logger.warning("alarm %s: %s", code, alarm.words("en"))
            self._set(alarm)

    def clear(self, code: Alarm, subject: str, at_ms: int) -> None:
        """It is right again; what lasts stays."""
        before = self._alarms.get((code, subject))
        if before and before.cleared_ms is None and code not in LASTING:
            _logger.info("alarm %s ended: %s", code, subject)
            self._set(replace(before, cleared_ms=at_ms))

    def changes(self) -> list[Raised]:
        """What has to be remembered since the last call."""
        changed, self._changed = self._changed, {}
        return list(changed.values())

    def _set(self, alarm: Raised) -> None:
        self._alarms[alarm.code, alarm.subject] = self._changed[alarm.code, alarm.subject] = alarm
