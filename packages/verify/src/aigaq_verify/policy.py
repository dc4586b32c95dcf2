"""C2SP trust policies (c2sp.org/tlog-policy): which logs are trusted, and which witnesses must have cosigned.

A file whose quorum two histories could have at once, though all witnesses but f are honest, is refused when it is read.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from aigaq_verify import note as notes
from aigaq_verify.note import Checkpoint, Note, NoteError, VerifierKey

MAX_POLICY: Final = 16 << 20  # bytes
NO_QUORUM: Final = "none"
_KINDS: Final = {"log": {notes.ED25519, notes.ML_DSA_44}, "witness": {notes.COSIGNATURE_ED25519, notes.ML_DSA_44}}


class PolicyError(ValueError):
    """A trust file that cannot be used, with the line and the reason."""


@dataclass(frozen=True, slots=True)
class Group:
    """Counts as a witness when at least `threshold` of its members do."""

    threshold: int
    members: tuple[str, ...]

    @property
    def liars(self) -> int:
        """How many members may lie: f of n > 3f."""
        return (len(self.members) - 1) // 3


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A checkpoint that a quorum cosigned. No f of the quorum's members can move the times, however they lie."""

    checkpoint: Checkpoint
    not_before_ms: int  # whoever holds these cosignatures holds them since then: the (f+1)-th latest time
    not_after_ms: int  # what the tree holds was there by then: the end of the (f+1)-th earliest second


@dataclass(slots=True)
class Policy:
    """A trust file. `quorum` names a witness, a group, or none; `urls` says where to reach a log or witness."""

    logs: list[VerifierKey] = field(default_factory=list["VerifierKey"])
    witnesses: dict[str, VerifierKey] = field(default_factory=dict[str, "VerifierKey"])
    groups: dict[str, Group] = field(default_factory=dict[str, "Group"])
    urls: dict[VerifierKey, str] = field(default_factory=dict["VerifierKey", str])
    quorum: str = ""

    def keys_of(self, origin: str) -> list[VerifierKey]:
        """The trusted keys of the log with that name."""
        return [key for key in self.logs if key.name == origin]

    def witnessed(self, note: Note | bytes) -> Witnessed | None:
        """What the witnesses say of a log's checkpoint; None where they are no quorum, as with `quorum none`.

        UnknownKeyError where no log of this file signed it, NoteError where a known key's signature is false.
        """
        parsed = note if isinstance(note, Note) else Note.parse(note)
        checkpoint, _ = Checkpoint.open(parsed, self.logs)
        times = parsed.cosigners(self.witnesses.values())
        bounds = None if self.quorum == NO_QUORUM else self._bounds(self.quorum, times)
        return None if bounds is None else Witnessed(checkpoint, *bounds)

    def _bounds(self, name: str, times: Mapping[VerifierKey, int]) -> tuple[int, int] | None:
        if name in self.witnesses:
            second = times.get(self.witnesses[name])
            return None if second is None else (second * 1000, second * 1000 + 999)
        group = self.groups[name]
        each = [bounds for member in group.members if (bounds := self._bounds(member, times)) is not None]
        if len(each) < group.threshold:
            return None
        nth = min(group.liars, len(each) - 1)
        return sorted(first for first, _ in each)[-1 - nth], sorted(last for _, last in each)[nth]

    def overlap(self, name: str) -> int:
        """How many members two quorums of that name share at least; a group among them counts once."""
        if name in self.witnesses:
            return 1
        group = self.groups[name]
        shared = sorted(min(1, self.overlap(member)) for member in group.members)
        return sum(shared[: max(0, 2 * group.threshold - len(shared))])

    def read(self, line: bytes, taken: set[str | bytes]) -> None:
        """Take in one line; `taken` are the keys that stand in the file, and the names that are members of a group."""
        if bad := re.search(rb"[^\t\x20-\x7e\x80-\xff]", line):
            raise NoteError(f"byte 0x{bad[0].hex()} is not allowed; lines end in a newline alone")
        match re.split(r"[ \t]+", line.decode("utf-8", "surrogateescape").strip(" \t")):
            case [word, *_] if word == "" or word.startswith("#"):
                pass
            case ["log", vkey, *url] if len(url) <= 1:
                self.logs.append(self._key("log", vkey, url, taken))
            case ["witness", name, vkey, *url] if len(url) <= 1:
                self._check_name(name, known=False)
                self.witnesses[name] = self._key("witness", vkey, url, taken)
            case ["group", name, threshold, *members] if members:
                self._check_name(name, known=False)
                self.groups[name] = self._group(threshold, members, taken)
            case ["quorum", name] if not self.quorum:
                if name != NO_QUORUM:
                    self._check_name(name, known=True)
                self.quorum = name
            case ["quorum", _]:
                raise NoteError("a second quorum line")
            case words:
                raise NoteError(f"not a line of a trust file: {words[0]!r}")

    def _key(self, use: str, vkey: str, url: Sequence[str], taken: set[str | bytes]) -> VerifierKey:
        key = VerifierKey.parse(vkey)
        if key.kind not in _KINDS[use]:
            raise NoteError(f"key type {key.kind} cannot be a {use}'s")
        if use.encode() + key.public in taken:
            raise NoteError(f"this {use}'s key stands in the file twice")
        taken.add(use.encode() + key.public)
        self.urls |= {key: url[0]} if url else {}
        return key

    def _group(self, threshold: str, members: list[str], taken: set[str | bytes]) -> Group:
        for member in members:
            self._check_name(member, known=True)
            if member in taken:
                raise NoteError(f"{member!r} is a member twice")
            taken.add(member)
        k = {"any": "1", "all": str(len(members))}.get(threshold, threshold)
        if not re.fullmatch(r"[1-9][0-9]{0,5}", k) or int(k) > len(members):
            raise NoteError(f"the threshold is not all, any or 1 to {len(members)}")
        return Group(int(k), tuple(members))

    def _check_name(self, name: str, *, known: bool) -> None:
        there = name == NO_QUORUM or name in self.witnesses or name in self.groups
        if there and not known:
            raise NoteError(f"the name {name!r} is taken")
        if known and (name == NO_QUORUM or not there):
            raise NoteError(f"{name!r} is not a witness or group of an earlier line")


def parse_policy(data: bytes) -> Policy:
    """Read a trust file; PolicyError with the first line that is wrong, and why."""
    if len(data) > MAX_POLICY:
        raise PolicyError(f"a trust file of more than {MAX_POLICY} bytes")
    policy, taken = Policy(), set[str | bytes]()
    for number, line in enumerate(data.split(b"\n"), 1):
        try:
            policy.read(line, taken)
        except NoteError as error:
            raise PolicyError(f"line {number}: {error}") from error
    group = policy.groups.get(policy.quorum)
    if not policy.quorum:
        raise PolicyError("no quorum line; write `quorum none` where no witness is required")
    if group is not None and policy.overlap(policy.quorum) <= group.liars:
        raise PolicyError(
            f"two histories could each have the quorum {policy.quorum!r}: any two quorums must share more than "
            f"{group.liars} of its {len(group.members)} members, these may share {policy.overlap(policy.quorum)}"
        )
    return policy
