"""Making a witness: keys, empty memory, mark, settings; and the lines that others put into their trust files."""

from collections.abc import Sequence
from pathlib import Path

from aigaq.base import Clock, utc_ms
from aigaq.ledger.durable import write_whole
from aigaq.ledger.keys import parse_vkey
from aigaq.ledger.witness.errors import WitnessExistsError
from aigaq.ledger.witness.keys import KEY, PQ_KEY, WitnessKeys
from aigaq.ledger.witness.settings import DATABASE, MARK, NAME, WitnessSettings, new_file, parse_listen
from aigaq.ledger.witness.store import WitnessStore


def init_witness(
    folder: Path,
    name: str,
    clock: Clock,
    *,
    listen: str = "127.0.0.1:7380",
    url: str | None = None,
    logs: Sequence[str] = (),
) -> WitnessSettings:
    """Make a witness in a new or empty folder.

    Raises:
        WitnessExistsError: something of a witness is there.
        BadKeyError: the name cannot stand in a signature line, or a log's key is not sound.
        SettingsError: the address to listen on cannot be used.
    """
    vkeys = [str(parse_vkey(log, "--log")) for log in logs]
    parse_listen(listen)
    folder.mkdir(parents=True, exist_ok=True)
    if any((folder / file).exists() for file in (NAME, KEY, PQ_KEY, DATABASE, MARK)):
        raise WitnessExistsError(str(folder))
    WitnessKeys.create(folder, name)
    WitnessStore.create(folder / DATABASE, folder / MARK, time=utc_ms(clock) // 1000)
    write_whole([(folder / NAME, new_file(name, listen=listen, url=url, logs=vkeys).encode())])
    return WitnessSettings.load(folder / NAME)


def policy_lines(settings: WitnessSettings) -> tuple[str, str]:
    """The witness's two lines of a trust file (c2sp.org/tlog-policy), Ed25519 first."""
    name = settings.witness.name
    first, second = WitnessKeys.load(settings.folder, name).verifiers()
    url = f" {settings.witness.url}" if settings.witness.url else ""
    return f"witness {name} {first}{url}", f"witness {name}-pq {second}{url}"
