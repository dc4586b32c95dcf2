"""Asks the witnesses of a trust file to cosign the log's checkpoint (c2sp.org/tlog-witness, client side).

Each witness is sent what it lacks: the consistency proof from the size that it holds. Only cosignatures that verify are
kept. A witness that has seen another history is an alarm; one that does not answer is a line in the status, no more.
"""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Final

import httpx2

from aigaq.base import N_, Clock, utc_ms
from aigaq.ledger.errors import WitnessConflictError
from aigaq_verify import (
    ED25519,
    Checkpoint,
    Note,
    NoteError,
    NoteSignature,
    Policy,
    VerifierKey,
)

TIMEOUT_S: Final = 5
MAX_ANSWER: Final = 64 << 10
_ATTEMPTS: Final = 3
_MAX_PROOF: Final = 63
_OK: Final = 200
_CONFLICT: Final = 409
_INCONSISTENT: Final = 422
Consistency = Callable[[int, int], Awaitable[list[bytes]]]
"""The hashes that prove the tree of the second size to extend that of the first."""


@dataclass(frozen=True, slots=True)
class WitnessState:
    """How a witness answered last. `state` is `cosigned`, `refused`, `conflict`, `unreachable` or `waiting`."""

    names: tuple[str, ...]
    url: str
    state: str = "waiting"
    detail: str = ""
    at_ms: int | None = None
    size: int | None = None
    """What it holds of the log, as far as known."""
    clock_off_s: int | None = None
    """Its clock minus ours."""


class _RefusalError(Exception):
    """The witness said no."""


class Feeder:
    """The witnesses that have an address in the trust file, and what they said last."""

    def __init__(self, policy: Policy, consistency: Consistency, clock: Clock) -> None:
        self._policy = policy
        self._consistency = consistency
        self._clock = clock
        self._client: httpx2.AsyncClient | None = None
        named: dict[str, list[VerifierKey]] = {}
        for key in policy.witnesses.values():
            if url := policy.urls.get(key):
                named.setdefault(url.rstrip("/"), []).append(key)
        self.states = {
            url: WitnessState(tuple(dict.fromkeys(k.name for k in keys)), url) for url, keys in named.items()
        }

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()

    async def cosign(self, note: bytes) -> tuple[bytes | None, list[WitnessConflictError]]:
        """The checkpoint with its cosignatures in the order of the trust file, if they are a quorum; and new conflicts.

        Raises:
            OSError, ValueError: the log's own tiles cannot be read.
        """
        checkpoint = Checkpoint.parse(Note.parse(note).text)
        answers = await asyncio.gather(*(self._ask(url, note, checkpoint) for url in self.states))
        alarms = [answer for answer in answers if isinstance(answer, WitnessConflictError)]
        lines = {key: line for answer in answers if isinstance(answer, dict) for key, line in answer.items()}
        whole = assemble(note, self._policy, lines)
        return (whole if self._policy.witnessed(whole) else None), alarms

    async def _ask(
        self, url: str, note: bytes, checkpoint: Checkpoint
    ) -> dict[VerifierKey, NoteSignature] | WitnessConflictError:
        names = ", ".join(self.states[url].names)
        try:
            said = await self._add(url, note, checkpoint)
        except (httpx2.HTTPError, httpx2.InvalidURL, TimeoutError) as error:
            self._tell(url, "unreachable", str(error) or type(error).__name__)
            return {}
        except _RefusalError as error:
            self._tell(url, "refused", str(error))
            return {}
        except WitnessConflictError as error:
            is_known = self.states[url].state == "conflict"
            self._tell(url, "conflict", str(error.facts["problem"]))
            return {} if is_known else error
        found = cosignatures(said, note, self._policy.witnesses.values())
        if not found:
            self._tell(url, "refused", f"no cosignature of {names} that holds")
            return {}
        off = next(iter(found.values()))[0] - utc_ms(self._clock) // 1000
        self._tell(url, "cosigned", "", size=checkpoint.size, clock_off_s=off)
        return {key: line for key, (_, line) in found.items()}

    async def _add(self, url: str, note: bytes, checkpoint: Checkpoint) -> bytes:
        """`POST add-checkpoint`, again from the size that a 409 names."""
        held = self.states[url].size or 0
        for _ in range(_ATTEMPTS):
            proof = await self._consistency(held, checkpoint.size)
            status, answer = await self._post(f"{url}/add-checkpoint", add_checkpoint(held, proof, note))
            if status == _OK:
                return answer
            if status != _CONFLICT:
                raise self._refusal(url, status, answer, held)
            other = _size(answer)
            if other is None and held != checkpoint.size:
                raise _RefusalError("409 without the size that it holds")
            if other is None or other == held:
                raise self._conflict(url, N_("it holds another tree of the same size"))
            if other > checkpoint.size:
                raise self._conflict(url, N_("it holds a larger tree than the log does"))
            held = other
            self._know(url, held)
        raise _RefusalError("its size changes with every answer")

    def _refusal(self, url: str, status: int, answer: bytes, held: int) -> Exception:
        if status == _INCONSISTENT and held:
            return self._conflict(url, N_("the log does not extend the tree that it holds"))
        return _RefusalError(f"{status} {answer[:200].decode(errors='replace').strip()}".strip())

    def _conflict(self, url: str, problem: str) -> WitnessConflictError:
        return WitnessConflictError(url, witness=", ".join(self.states[url].names), problem=problem)

    async def _post(self, url: str, body: bytes) -> tuple[int, bytes]:
        got = bytearray()
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False)
        async with asyncio.timeout(TIMEOUT_S), self._client.stream("POST", url, content=body) as answer:
            async for piece in answer.aiter_bytes():
                got += piece
                if len(got) > MAX_ANSWER:
                    raise _RefusalError(f"an answer of more than {MAX_ANSWER} bytes")
        return answer.status_code, bytes(got)

    def _tell(
        self, url: str, state: str, detail: str, *, size: int | None = None, clock_off_s: int | None = None
    ) -> None:
        before = self.states[url]
        now = utc_ms(self._clock)
        self.states[url] = WitnessState(before.names, url, state, detail[:300], now, size or before.size, clock_off_s)

    def _know(self, url: str, size: int) -> None:
        before = self.states[url]
        self.states[url] = WitnessState(before.names, url, before.state, before.detail, before.at_ms, size)


def add_checkpoint(held: int, proof: Iterable[bytes], note: bytes) -> bytes:
    """The body of an `add-checkpoint` request."""
    hashes = list(proof)
    if len(hashes) > _MAX_PROOF:
        raise ValueError("a consistency proof of more than 63 hashes")
    lines = [f"old {held}", *(base64.b64encode(h).decode() for h in hashes)]
    return "\n".join(lines).encode() + b"\n\n" + note


def cosignatures(
    answer: bytes, note: bytes, keys: Iterable[VerifierKey]
) -> dict[VerifierKey, tuple[int, NoteSignature]]:
    """The lines of a witness's answer that known keys signed over this checkpoint, with the seconds they give.

    All others are ignored.
    """
    text = Note.parse(note).text
    known = {(key.name, key.key_id): key for key in keys if key.kind != ED25519}
    found: dict[VerifierKey, tuple[int, NoteSignature]] = {}
    for line in answer.decode(errors="replace").splitlines():
        try:
            signature = NoteSignature.parse(line)
            if key := known.get((signature.name, signature.key_id)):
                found.setdefault(key, (Note(text, (signature,)).cosigners([key])[key], signature))
        except NoteError:
            continue
    return found


def assemble(note: bytes, policy: Policy, lines: dict[VerifierKey, NoteSignature]) -> bytes:
    """The checkpoint with cosignatures behind the log's own lines, in the order of the trust file."""
    parsed = Note.parse(note)
    ordered = [lines[key] for key in policy.witnesses.values() if key in lines]
    return Note(parsed.text, (*parsed.signatures, *ordered)).encode()


def _size(answer: bytes) -> int | None:
    text = answer.removesuffix(b"\n")
    return int(text) if text.isdigit() and len(text) <= 19 else None
