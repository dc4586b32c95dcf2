"""How a witness is: whether its memory is whole, what it signed last, what it keeps as evidence."""

from typing import Any

from aigaq.base import Clock, utc_ms
from aigaq.ledger.witness.errors import WitnessBusyError
from aigaq.ledger.witness.keys import WitnessKeys
from aigaq.ledger.witness.settings import WitnessSettings
from aigaq.ledger.witness.store import CONTRADICTION, INCONSISTENT, WitnessStore


def witness_status(settings: WitnessSettings, clock: Clock) -> dict[str, Any]:
    """The facts, as `--json` prints them.

    Raises:
        KeyFileError: a key is missing or open to others.
        WitnessLostError: its memory is gone or damaged.
        WitnessRolledBackError: its memory is older than its mark.
    """
    WitnessKeys.load(settings.folder, settings.witness.name)
    try:
        store, running = WitnessStore.open(settings.database, settings.mark), False
    except WitnessBusyError:
        store, running = WitnessStore.look(settings.database, settings.mark), True
    try:
        last = store.last_time()
        return {
            "name": settings.witness.name,
            "running": running,
            "signatures": store.signatures(),
            "last_time": last,
            "clock_behind_s": max(0, last - utc_ms(clock) // 1000),
            "logs": [_log(store, origin) for origin in settings.keys_of_logs()],
        }
    finally:
        store.close()


def _log(store: WitnessStore, origin: str) -> dict[str, Any]:
    held = store.held(origin)
    kinds = [one.kind for one in store.refused(origin)]
    return {
        "origin": origin,
        "size": held.size,
        "root": held.root.hex(),
        "contradictions": kinds.count(CONTRADICTION),
        "unproven": kinds.count(INCONSISTENT),
    }
