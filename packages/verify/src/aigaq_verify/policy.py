"""C2SP trust policies (c2sp.org/tlog-policy): which logs are trusted, and which witnesses must have cosigned.

Reads every rule, and judges none: whoever verifies must refuse a quorum that it cannot check.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from aigaq_verify.note import COSIGNATURE_ED25519, ED25519, ML_DSA_44, NoteError, VerifierKey

MAX_POLICY: Final = 16 << 20
"""Bytes; ten thousand station logs take about 1 MB."""
NO_QUORUM: Final = "none"
_FORBIDDEN: Final = re.compile(rb"[^\t\x20-\x7e\x80-\xff]")


class PolicyError(ValueError):
    """A trust file that cannot be used, with the line and the reason."""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as a witness when at least `threshold` of its members do."""

    threshold: int
    members: tuple[str, ...]


@dataclass(slots=True)
class Policy:
    """A trust file. `quorum` names a witness, a group, or none."""

    logs: list[VerifierKey] = field(default_factory=list["VerifierKey"])
    witnesses: dict[str, VerifierKey] = field(default_factory=dict[str, "VerifierKey"])
    groups: dict[str, Group] = field(default_factory=dict[str, "Group"])
    quorum: str = ""

    def keys_of(self, origin: str) -> list[VerifierKey]:
        """The trusted keys of the log with that name."""
        return [key for key in self.logs if key.name == origin]


class _Reader:
    def __init__(self) -> None:
        self.policy = Policy()
        self.seen: set[tuple[str, bytes]] = set()
        self.grouped: set[str] = set()

    def line(self, line: bytes) -> None:
        if bad := _FORBIDDEN.search(line):
            raise NoteError(f"byte 0x{bad[0].hex()} is not allowed; lines end in a newline alone")
        match re.split(r"[ \t]+", line.decode("utf-8", "surrogateescape").strip(" \t")):
            case [word, *_] if word == "" or word.startswith("#"):
                pass
            case ["log", vkey] | ["log", vkey, _]:
                self.policy.logs.append(self.key("log", vkey, {ED25519}))
            case ["witness", name, vkey] | ["witness", name, vkey, _]:
                self.check_new(name)
                self.policy.witnesses[name] = self.key("witness", vkey, {COSIGNATURE_ED25519, ML_DSA_44})
            case ["group", name, threshold, *members] if members:
                self.check_new(name)
                self.policy.groups[name] = self.group(threshold, members)
            case ["quorum", name] if not self.policy.quorum:
                if name != NO_QUORUM:
                    self.check_known(name)
                self.policy.quorum = name
            case ["quorum", _]:
                raise NoteError("a second quorum line")
            case [word, *_]:
                raise NoteError(f"not a line of a trust file: {word!r}")
            case _:  # re.split gives at least one item
                raise AssertionError

    def key(self, use: str, vkey: str, kinds: Collection[int]) -> VerifierKey:
        key = VerifierKey.parse(vkey)
        if key.kind not in kinds:
            raise NoteError(f"key type {key.kind} cannot be a {use}'s")
        if (use, key.public) in self.seen:
            raise NoteError(f"this {use}'s key stands in the file twice")
        self.seen.add((use, key.public))
        return key

    def group(self, threshold: str, members: list[str]) -> Group:
        for member in members:
            self.check_known(member)
            if member in self.grouped:
                raise NoteError(f"{member!r} is a member twice")
            self.grouped.add(member)
        k = {"any": "1", "all": str(len(members))}.get(threshold, threshold)
        if not re.fullmatch(r"[1-9][0-9]{0,5}", k) or int(k) > len(members):
            raise NoteError(f"the threshold is not all, any or 1 to {len(members)}")
        return Group(int(k), tuple(members))

    def check_new(self, name: str) -> None:
        if name == NO_QUORUM or name in self.policy.witnesses or name in self.policy.groups:
            raise NoteError(f"the name {name!r} is taken")

    def check_known(self, name: str) -> None:
        if name not in self.policy.witnesses and name not in self.policy.groups:
            raise NoteError(f"{name!r} is not a witness or group of an earlier line")


def parse_policy(data: bytes) -> Policy:
    """Read a trust file.

    Raises:
        PolicyError: the first line that is wrong, and why.
    """
    if len(data) > MAX_POLICY:
        raise PolicyError(f"a trust file of more than {MAX_POLICY} bytes")
    reader = _Reader()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            reader.line(line)
        except NoteError as error:
            raise PolicyError(f"line {number}: {error}") from error
    if not reader.policy.quorum:
        raise PolicyError("no quorum line; write `quorum none` where no witness is required")
    return reader.policy
