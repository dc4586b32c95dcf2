"""Witnesses over HTTP: real ones that cosign, and false ones that answer with anything."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest
import uvicorn
from tests.ledger.witness_lab import ORIGIN, make_witness
from tests.proof_lab import proven

from aigaq.base import ManualClock
from aigaq.ledger import LastSigned, LedgerError, LogKey, PublicLog, WitnessConflictError, hash16
from aigaq.ledger.feeder import add_checkpoint, assemble, cosignatures
from aigaq.ledger.witness import create_app
from aigaq_verify import Checkpoint, Kind, Leaf, Note, Proof, encode_leaf, leaf_hash, parse_policy

NAMES = [f"witness.example/w{n}" for n in range(1, 5)]


@contextlib.asynccontextmanager
async def serving(app: Callable[..., object]) -> AsyncIterator[str]:
    """An ASGI application on a free port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(app, lifespan="off", log_level="error", access_log=False)
        server = uvicorn.Server(config)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server._serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task


def saying(*answers: tuple[int, bytes], asked: list[bytes] | None = None) -> Callable[..., object]:
    """A false witness: its answers in turn, the last one for ever."""
    left = list(answers)

    async def app(_scope: object, receive: Callable[..., object], send: Callable[..., object]) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        if asked is not None:
            asked.append(body)
        status, said = left.pop(0) if len(left) > 1 else left[0]
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": said})

    return app


def leaf(n: int) -> bytes:
    values = {"election": "vote-26", "at_ms": n, "role": "chair/one", "action": "export", "subject": "s-1"}
    return encode_leaf(Leaf(Kind.OPERATOR_ACTION, {**values, "detail_hash": bytes(32)}))


class Lab:
    """A log, and witnesses of which each has a folder and, while it is served, an address."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.clock = folder, ManualClock()
        self.key = LogKey.create(folder / "log.key", folder / "log-pq.key")
        self.last = LastSigned.open(folder / "last-signed.sqlite")
        self.witnesses = [
            make_witness(folder / f"w{n}", *self.key.verifiers(ORIGIN)[:1], name=name, clock=self.clock)[0]
            for n, name in enumerate(NAMES)
        ]
        self.alarms: list[LedgerError] = []
        self.count = 0

    def open(self, urls: Sequence[str], quorum: int) -> PublicLog:
        """With the witnesses that have addresses; each with both its keys."""
        witnesses = self.witnesses[: len(urls)]
        lines = [f"log {key}" for key in self.key.verifiers(ORIGIN)]
        for n, (witness, url) in enumerate(zip(witnesses, urls, strict=True)):
            lines += [f"witness w{n}-{kind} {key} {url}".rstrip() for kind, key in enumerate(witness.keys.verifiers())]
            lines.append(f"group w{n} all w{n}-0 w{n}-1")
        lines += [f"group W {quorum} {' '.join(f'w{n}' for n in range(len(urls)))}", "quorum W", ""]
        self.policy = parse_policy("\n".join(lines).encode())
        self.log = PublicLog.open(
            self.folder / "log",
            origin=ORIGIN,
            election="vote-26",
            key=self.key,
            last=self.last,
            policy=self.policy,
            keys=lambda _: [],
            clock=self.clock,
            duty=lambda _: (0, 0),
            stations=[],
        )
        self.log.on_alarm = self.alarms.append
        return self.log

    async def grow(self, count: int) -> None:
        new = [asyncio.ensure_future(self.log.submit(leaf(self.count + n))) for n in range(count)]
        self.count += count
        await asyncio.sleep(0)
        await self.log.commit()
        await asyncio.gather(*new)

    def states(self) -> list[tuple[str, str]]:
        found = self.log.status()["witnesses"]
        assert isinstance(found, list)
        return [(state["state"], state["detail"]) for state in found]


@pytest.fixture
async def lab(tmp_path) -> AsyncIterator[Lab]:
    made = Lab(tmp_path)
    yield made
    if hasattr(made, "log"):
        await made.log.close()
    made.last.close()
    for witness in made.witnesses:
        witness.close()


async def test_a_quorum_makes_a_witnessed_note_that_never_changes(lab):
    async with contextlib.AsyncExitStack() as stack:
        urls = [await stack.enter_async_context(serving(create_app(w))) for w in lab.witnesses]
        log = lab.open(urls, 3)
        await lab.grow(5)
        assert log.beacon() is None
        _, early = await log.leaf_proof(0)
        assert lab.policy.witnessed(Proof.parse(early).checkpoint) is None
        await log.feed()
        first = log.beacon()
        assert first is not None
        found = lab.policy.witnessed(first)
        assert found is not None
        assert found.checkpoint.size == 5
        lines = Note.parse(first).signatures
        assert [line.name for line in lines] == [ORIGIN] * 2 + [name for name in NAMES for _ in range(2)]
        assert await log.file("witnessed/5") == (first, True)
        assert await log.file("witnessed") == (first, False)
        assert log.beacon_note(5, hash16(first)) == first
        assert log.beacon_note(5, bytes(16)) is None
        lab.clock.advance(10)
        await lab.grow(300)
        await log.feed()
        await log.feed()
        second = log.beacon()
        assert second != first
        assert lab.policy.witnessed(second or b"").checkpoint.size == 305
        for index, note in ((0, first), (4, first), (5, second), (304, second)):
            data, proof = await log.leaf_proof(index)
            assert Proof.parse(proof).checkpoint == note
            proven(Proof.parse(proof), leaf_hash(data), lab.key.verifiers(ORIGIN))
        assert lab.states() == [("cosigned", "")] * 4
        assert lab.alarms == []
        await lab.log.close()
        log = lab.open(urls, 3)
        assert log.beacon() == second
        await lab.grow(1)
        await log.feed()
        assert (await log.file("witnessed/306") or [None])[0] == log.beacon() != second


async def test_without_a_quorum_the_log_goes_on_and_says_who_failed(lab):
    async with contextlib.AsyncExitStack() as stack:
        up = [await stack.enter_async_context(serving(create_app(w))) for w in lab.witnesses[:2]]
        down = await stack.enter_async_context(serving(saying((500, b"out of order"))))
        with socket.create_server(("127.0.0.1", 0)) as closed:
            nobody = f"http://127.0.0.1:{closed.getsockname()[1]}"
        log = lab.open([*up, down, nobody], 3)
        await lab.grow(5)
        await log.feed()
        assert log.beacon() is None
        assert await log.file("witnessed") is None
        states = lab.states()
        assert [state for state, _ in states] == ["cosigned", "cosigned", "refused", "unreachable"]
        assert "out of order" in states[2][1]
        await lab.grow(5)
        assert log.size == 10
        assert log.status()["witnessed"] is None
        assert lab.alarms == []


async def test_a_witness_that_lags_is_caught_up_from_what_it_says(lab):
    """After a restart the log knows nothing of the witness; its 409 tells."""
    async with serving(create_app(lab.witnesses[0])) as url:
        log = lab.open([url], 1)
        await lab.grow(300)
        await log.feed()
        await log.close()
        log = lab.open([url], 1)
        await lab.grow(70)
        await log.feed()
        assert lab.states() == [("cosigned", "")]
        assert log.status()["witnessed"] == {"size": 370, "at_ms": lab.clock.utc_ns() // 10**6}


async def test_a_witness_that_saw_another_history_raises_the_alarm(lab, tmp_path):
    """The log was put back with its record and went another way: the witness does not follow, and everyone is told."""
    async with serving(create_app(lab.witnesses[0])) as url:
        log = lab.open([url], 1)
        await lab.grow(10)
        await log.feed()
        before = log.beacon()
        await log.close()
        lab.last.close()
        for size, problem in ((10, "same size"), (3, "larger"), (20, "does not extend")):
            lab.folder = tmp_path / f"other-{size}"
            lab.last = LastSigned.open(lab.folder / "last-signed.sqlite")
            lab.count = 1000
            log = lab.open([url], 1)
            await lab.grow(size)
            await log.feed()
            assert log.beacon() is None
            alarm = lab.alarms.pop()
            assert isinstance(alarm, WitnessConflictError)
            assert problem in str(alarm)
            assert lab.states()[0][0] == "conflict"
            await log.feed()
            assert lab.alarms == []
            await log.close()
            lab.last.close()
        lab.folder, lab.last = tmp_path, LastSigned.open(tmp_path / "last-signed.sqlite")
        assert lab.open([url], 1).beacon() == before


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ([(200, b"")], "refused"),
        ([(200, b"\xff\xfe\x00")], "refused"),
        ([(200, bytes(100_000))], "refused"),
        ([(200, "— witness.example/w1 AAAA\n".encode() * 1000)], "refused"),
        ([(409, b"")], "refused"),
        ([(409, b"-1\n")], "refused"),
        ([(409, b"99999999999999999999\n")], "refused"),
        ([(409, b"5\n"), (409, b"")], "conflict"),
        ([(409, b"6\n")], "conflict"),
        ([(409, b"0\n")], "conflict"),
        ([(409, b"1\n"), (409, b"2\n"), (409, b"1\n")], "refused"),
        ([(422, b"no")], "refused"),
        ([(404, b"who?")], "refused"),
        ([(403, b"no")], "refused"),
        ([(301, b"")], "refused"),
    ],
)
async def test_whatever_a_false_witness_says_the_log_lives(lab, answers, state):
    async with serving(saying(*answers)) as url:
        log = lab.open([url], 1)
        await lab.grow(5)
        await log.feed()
        assert log.beacon() is None
        assert [found for found, _ in lab.states()] == [state]
        await lab.grow(1)


async def test_a_witness_that_never_answers_holds_nobody_up(lab, monkeypatch):
    monkeypatch.setattr("aigaq.ledger.feeder.TIMEOUT_S", 0.1)

    async def hang(_scope: object, _receive: object, _send: object) -> None:
        await asyncio.sleep(60)

    async with serving(hang) as slow, serving(create_app(lab.witnesses[1])) as url:
        log = lab.open([slow, url], 1 + 1)
        await lab.grow(5)
        await log.feed()
        assert [state for state, _ in lab.states()] == ["unreachable", "cosigned"]


async def test_the_request_is_what_the_specification_says(lab):
    asked: list[bytes] = []
    async with serving(saying((409, b"2\n"), (500, b""), asked=asked)) as url:
        log = lab.open([url], 1)
        await lab.grow(5)
        await log.feed()
        note = (await log.file("checkpoint") or (b"", 0))[0]
    first, second = (body.partition(b"\n\n") for body in asked)
    assert (first[0], first[2]) == (b"old 0", note)
    assert second[0].split(b"\n")[0] == b"old 2"
    assert second[2] == note
    assert Checkpoint.parse(Note.parse(note).text).size == 5


async def test_cosignatures_of_others_are_ignored(lab):
    """Lines of a known witness over another text, of strangers, and junk do not count; the first that holds does."""
    log = lab.open(["http://127.0.0.1:9"], 1)
    await lab.grow(5)
    note = (await log.file("checkpoint") or (b"", 0))[0]
    right = lab.witnesses[0].add_checkpoint(add_checkpoint(0, [], note))
    stranger = lab.witnesses[1].add_checkpoint(add_checkpoint(0, [], note))
    await lab.grow(1)
    later = (await log.file("checkpoint") or (b"", 0))[0]
    wrong = lab.witnesses[0].add_checkpoint(add_checkpoint(5, await log._publishing._consistency(5, 6), later))
    keys = list(lab.policy.witnesses.values())
    found = cosignatures(b"junk\n" + wrong + stranger + right + right, note, keys)
    assert list(found) == keys
    whole = assemble(note, lab.policy, {key: line for key, (_, line) in found.items()})
    assert whole == note + right
    assert cosignatures(wrong + stranger, note, keys) == {}
    with pytest.raises(ValueError, match="63"):
        add_checkpoint(0, [bytes(32)] * 64, note)
