"""C2SP trust policies (c2sp.org/tlog-policy): which logs are trusted, and which witnesses must have cosigned.

A file whose quorum could be had by two histories at once, every witness but f being honest, is refused when it is read.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aigaq_verify.note import (
    COSIGNATURE_ED25519,
    ED25519,
    ML_DSA_44,
    Checkpoint,
    Cosignature,
    Note,
    NoteError,
    VerifierKey,
    timed,
)

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


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that a quorum cosigned. No f of the quorum's members can move the times, however they lie."""

    checkpoint: Checkpoint
    cosignatures: tuple[Cosignature, ...]
    not_before_ms: int
    """Whoever holds these cosignatures, holds them since then: the (f+1)-th latest time."""
    not_after_ms: int
    """What the tree holds was there by then: the end of the (f+1)-th earliest second."""


@dataclass(slots=True)
class Policy:
    """A trust file. `quorum` names a witness, a group, or none."""

    logs: list[VerifierKey] = field(default_factory=list["VerifierKey"])
    witnesses: dict[str, VerifierKey] = field(default_factory=dict[str, "VerifierKey"])
    groups: dict[str, Group] = field(default_factory=dict[str, "Group"])
    urls: dict[VerifierKey, str] = field(default_factory=dict["VerifierKey", str])
    """Where to reach a log or a witness, as far as the file says so."""
    quorum: str = ""

    def keys_of(self, origin: str) -> list[VerifierKey]:
        """The trusted keys of the log with that name."""
        return [key for key in self.logs if key.name == origin]

    def witnessed(self, note: bytes) -> Witnessed | None:
        """What the witnesses say of a log's checkpoint; None where they are no quorum, as with `quorum none`.

        Raises:
            UnknownKeyError: signed by no log of this file.
            NoteError: not a checkpoint of that log, or a signature that names a known key is false.
        """
        checkpoint, _ = Checkpoint.open(note, self.logs)
        said = {k: timed(k, t) for k, t in Note.parse(note).signers(self.witnesses.values()).items()}
        bounds = None if self.quorum == NO_QUORUM else self._bounds(self.quorum, said)
        return None if bounds is None else Witnessed(checkpoint, tuple(said.values()), *bounds)

    def _bounds(self, name: str, said: Mapping[VerifierKey, Cosignature]) -> tuple[int, int] | None:
        if name in self.witnesses:
            one = said.get(self.witnesses[name])
            return None if one is None else (one.time * 1000, one.time * 1000 + 999)
        group = self.groups[name]
        each = [bounds for member in group.members if (bounds := self._bounds(member, said)) is not None]
        if len(each) < group.threshold:
            return None
        nth = min(_liars(group), len(each) - 1)
        return sorted(first for first, _ in each)[-1 - nth], sorted(last for _, last in each)[nth]

    def check_quorum(self) -> None:
        """Refuse a quorum that two contradicting checkpoints could have without a witness that signed both.

        Raises:
            PolicyError: which members two quorums would share.
        """
        group = self.groups.get(self.quorum)
        if group is not None and self._overlap(self.quorum) <= _liars(group):
            raise PolicyError(
                f"two histories could each have the quorum {self.quorum!r}: any two quorums must share more than "
                f"{_liars(group)} of its {len(group.members)} members, these may share {self._overlap(self.quorum)}"
            )

    def _overlap(self, name: str) -> int:
        """How many members two quorums of that name share at least; a shared group counts once."""
        if name in self.witnesses:
            return 1
        group = self.groups[name]
        shared = sorted(min(1, self._overlap(member)) for member in group.members)
        return sum(shared[: max(0, 2 * group.threshold - len(shared))])


def _liars(group: Group) -> int:
    """How many members may lie: f of n > 3f."""
    return (len(group.members) - 1) // 3


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
            case ["log", vkey, *url] if len(url) <= 1:
                self.policy.logs.append(self.key("log", vkey, {ED25519, ML_DSA_44}, url))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self.check_new(name)
                self.policy.witnesses[name] = self.key("witness", vkey, {COSIGNATURE_ED25519, ML_DSA_44}, url)
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

    def key(self, use: str, vkey: str, kinds: Collection[int], url: Sequence[str]) -> VerifierKey:
        key = VerifierKey.parse(vkey)
        if key.kind not in kinds:
            raise NoteError(f"key type {key.kind} cannot be a {use}'s")
        if (use, key.public) in self.seen:
            raise NoteError(f"this {use}'s key stands in the file twice")
        self.seen.add((use, key.public))
        self.policy.urls.update(dict.fromkeys([key], *url) if url else {})
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
    reader.policy.check_quorum()
    return reader.policy
