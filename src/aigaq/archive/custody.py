"""Who touched what, and alarms: statements over a connection. The log holds hashes of details, here they are."""

import base64
import json
from typing import Any

import sqlalchemy as sa

from aigaq.archive.store import alarms, custody
from aigaq.base import from_ms
from aigaq_verify import decode_leaf


def add(connection: sa.Connection, station: str, leaf: bytes, detail: str) -> None:
    """Keep what is about to be written into the log."""
    connection.execute(custody.insert().values(station=station, leaf=leaf, detail=detail))


def place(connection: sa.Connection, leaf: bytes, index: int) -> None:
    """It stands in the log."""
    connection.execute(custody.update().where(custody.c.leaf == leaf).values(log_index=index))


def of_station(connection: sa.Connection, station: str, up_to: int) -> list[sa.Row[Any]]:
    """What is in the log of a station's custody, up to an index, in its order."""
    here = (custody.c.station == station) & (custody.c.log_index <= up_to)
    return list(connection.execute(sa.select(custody).where(here).order_by(custody.c.log_index)))


def told(event: sa.Row[Any], proof: bytes) -> dict[str, object]:
    """One event for custody.json: readable, and with what proves it."""
    leaf = decode_leaf(event.leaf)
    said = {name: leaf[name] for name in ("at_ms", "role", "action", "subject")}
    proven = {"leaf": base64.b64encode(event.leaf).decode(), "proof": proof.decode()}
    return {"index": event.log_index, **said, "detail": json.loads(event.detail), **proven}


def add_alarm(connection: sa.Connection, station: str, code: str, what: bytes, now_ms: int) -> None:
    """Keep an alarm that no signed record goes with; the same words are kept once an hour."""
    recent = sa.select(alarms.c.record).where(
        alarms.c.station == station, alarms.c.code == code, alarms.c.received_ms > now_ms - 3_600_000
    )
    if not any(told.startswith(what) for told in connection.execute(recent).scalars()):
        record = what + f"\n{from_ms(now_ms).isoformat()}".encode()
        values = {"station": station, "code": code, "record": record, "signature": b"", "received_ms": now_ms}
        connection.execute(alarms.insert().values(values))


def alarms_of(connection: sa.Connection, station: str | None, limit: int) -> list[sa.Row[Any]]:
    """The newest alarms, of one station or of all."""
    chosen = sa.select(alarms) if station is None else sa.select(alarms).where(alarms.c.station == station)
    return list(connection.execute(chosen.order_by(alarms.c.received_ms.desc(), alarms.c.id.desc()).limit(limit)))
