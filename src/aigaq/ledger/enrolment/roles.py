"""Whose approval counts: the role keys of an election, one line each, and the rule that two roles must agree."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aigaq.base import N_
from aigaq.ledger.durable import write_whole
from aigaq.ledger.enrolment.errors import BadApprovalError, BadRolesError, TooFewRolesError
from aigaq.ledger.errors import BadKeyError
from aigaq.ledger.key_files import told
from aigaq.ledger.keys import SigningKey, parse_vkey
from aigaq_verify import ID, VerifierKey, verify_signature

NEEDED: Final = 2
"""Different roles that must approve."""


@dataclass(frozen=True, slots=True)
class Approval:
    """An officer's signature over a request; `role` is the whole name, `<role>/<post>`."""

    role: str
    signature: bytes


class Roles:
    """The officers of an election by the name of their key, `<role>/<post>`."""

    def __init__(self, keys: Iterable[VerifierKey], where: str = "") -> None:
        """Take the keys.

        Raises:
            BadRolesError: a name that is not role/post, or a name or key that is there twice.
        """
        self._keys: dict[str, VerifierKey] = {}
        for key in keys:
            if [bool(ID.fullmatch(part)) for part in key.name.split("/")] != [True, True]:
                raise BadRolesError(where, problem=N_("a name is not role/post, both identifiers"))
            if key.name in self._keys or any(key.public == other.public for other in self._keys.values()):
                raise BadRolesError(where, problem=N_("a name or a key is there twice"))
            self._keys[key.name] = key

    @classmethod
    def load(cls, path: Path) -> "Roles":
        """Read `roles.vkeys`: one verifier key a line; lines that begin with # are remarks.

        Raises:
            BadRolesError: the file is missing, or a line is wrong; its number is named.
        """
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except OSError as error:
            raise BadRolesError(str(path), problem=told(error)) from error
        except UnicodeDecodeError as error:
            raise BadRolesError(str(path), problem=N_("it is not text")) from error
        return cls([_read(line, f"{path}:{n}") for n, line in enumerate(lines, 1) if _says_something(line)], str(path))

    @property
    def names(self) -> list[str]:
        """All names, sorted."""
        return sorted(self._keys)

    def key(self, name: str) -> VerifierKey | None:
        """The key under this name."""
        return self._keys.get(name)

    def name_of(self, key: SigningKey) -> str:
        """The name under which an officer's own key is listed.

        Raises:
            BadApprovalError: it is not.
        """
        for name, listed in self._keys.items():
            if listed.public == key.public:
                return name
        raise BadApprovalError(role="—", problem=N_("this key is not in the file of role keys"))

    def check(self, approval: Approval, message: bytes) -> None:
        """Whether the officer named signed this message.

        Raises:
            BadApprovalError: nobody of this name is known, or the signature is not over this.
        """
        key = self._keys.get(approval.role)
        if key is None:
            raise BadApprovalError(role=approval.role, problem=N_("nobody of this name is in the file of role keys"))
        if not verify_signature(key.public, message, approval.signature):
            raise BadApprovalError(role=approval.role, problem=N_("the signature is not over this request"))

    def agreed(self, approvals: Iterable[Approval], message: bytes) -> list[Approval]:
        """The approvals that a leaf carries: sorted by name, the first of each role.

        Raises:
            BadApprovalError: one of them does not hold; it is not silently left out.
            TooFewRolesError: they are of fewer than two different roles.
        """
        chosen: dict[str, Approval] = {}
        for approval in sorted(approvals, key=lambda a: a.role):
            self.check(approval, message)
            chosen.setdefault(approval.role.split("/")[0], approval)
        if len(chosen) < NEEDED:
            raise TooFewRolesError(roles=", ".join(chosen) or "—")
        return sorted(chosen.values(), key=lambda a: a.role)


def add_role(path: Path, name: str, key_file: Path) -> VerifierKey:
    """Make a key for one more officer and write its line into the file of role keys, which may be new.

    Raises:
        BadRolesError: the name is not role/post, or is there already; nothing was made.
        KeyFileError: the key file exists, or cannot be written.
    """
    held = Roles.load(path) if path.exists() else Roles(())
    if held.key(name) or [bool(ID.fullmatch(part)) for part in name.split("/")] != [True, True]:
        raise BadRolesError(name, problem=N_("the name is not role/post, or it is there already"))
    key = VerifierKey(name, SigningKey.create(key_file).public)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    write_whole([(path, "".join(f"{line}\n" for line in [*lines, str(key)]).encode())])
    return key


def _says_something(line: str) -> bool:
    return bool(line.strip()) and not line.startswith("#")


def _read(line: str, where: str) -> VerifierKey:
    try:
        return parse_vkey(line, where)
    except BadKeyError as error:
        raise BadRolesError(where, problem=str(error.facts["problem"])) from error
