"""From `center.toml` to an archive: opens the keys and files that it names, and makes them for a new centre."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.archive.errors import BadPolicyError, SettingsExistError
from aigaq.archive.logs import LogSetup
from aigaq.archive.service import Archive
from aigaq.archive.settings import NAME, POLICY, ROLES, TEMPLATE, CenterSettings, LogSection
from aigaq.base import SystemClock
from aigaq.election import load_register
from aigaq.ledger import LastSigned, LogKey, SigningKey
from aigaq.ledger.enrolment import Roles, load_authority
from aigaq_verify import PolicyError, parse_policy

LOG_KEY: Final = "log.key"
PQ_KEY: Final = "log-pq.key"


@dataclass(frozen=True, slots=True)
class NewCenter:
    """What was made for a new centre."""

    config: Path
    vkey: str
    """The centre's own key, which each box pins for receipts."""
    policy: Path


def center_name(log_domain: str, election: str) -> str:
    """The name under which a centre's receipts are signed."""
    return f"{log_domain}/{election}/center"


def log_origin(log_domain: str, election: str) -> str:
    """The name of an election's national log."""
    return f"{log_domain}/{election}"


def init_center(folder: Path, *, log_domain: str, register: Path, data: Path) -> NewCenter:
    """Write settings, keys, a trust file without witnesses, and an empty list of officers.

    Raises:
        SettingsExistError: a centre was set up here before; nothing is touched.
    """
    election = load_register(register).election.id
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / NAME).exists():
        raise SettingsExistError(str(folder / NAME))
    receipts = SigningKey.create(folder / "center.key")
    log = LogKey.create(folder / LOG_KEY, folder / PQ_KEY)
    text = TEMPLATE.format(election=register, data=data, log_domain=log_domain)
    (folder / "policy.txt").write_text(first_policy(log, log_domain, election), encoding="utf-8")
    if not (folder / "roles.vkeys").exists():
        (folder / "roles.vkeys").write_text(ROLES, encoding="utf-8")
    (folder / NAME).write_text(text, encoding="utf-8")
    CenterSettings.load(folder / NAME)
    return NewCenter(folder / NAME, receipts.vkey(center_name(log_domain, election)), folder / "policy.txt")


def first_policy(key: LogKey, log_domain: str, election: str) -> str:
    """The trust file of a log that has no witnesses yet."""
    keys = "\n".join(f"log {vkey}" for vkey in key.verifiers(log_origin(log_domain, election)))
    return POLICY.format(election=election, keys=keys)


def open_archive(settings: CenterSettings) -> Archive:
    """The archive that the settings name; its logs are still closed."""
    section, clock = settings.center, SystemClock()
    register = load_register(section.election)
    return Archive(
        section.data,
        register,
        clock,
        SigningKey.load(section.key),
        log=log_setup(settings.log, log_origin(section.log_domain, register.election.id)),
        min_free=round(settings.limits.min_free_gb * 1e9),
        optical=settings.optical.cameras,
        facts=settings.log.facts,
    )


def log_setup(section: LogSection, origin: str) -> LogSetup:
    """What the settings say of the log.

    Raises:
        BadPolicyError: the trust file is missing or cannot be used.
        LedgerError: a key, the roles or the record of what was signed last cannot be read.
    """
    return LogSetup(
        origin,
        LogKey.load(section.key, section.pq_key),
        LastSigned.open(section.last_signed),
        read_policy(section.policy),
        Roles.load(section.roles),
        load_authority(section.authority) if section.authority else None,
        section.tokens,
        section.mirror,
    )


def read_policy(path: Path) -> bytes:
    """A trust file that can be used.

    Raises:
        BadPolicyError: it cannot.
    """
    try:
        data = path.read_bytes()
        parse_policy(data)
    except (OSError, PolicyError) as error:
        raise BadPolicyError(str(path), problem=str(error)) from error
    return data
