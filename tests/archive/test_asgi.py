"""Bodies of requests: read without a timer where they are there, and never waited for longer than half a minute."""

import asyncio

import pytest

from aigaq.archive import asgi
from aigaq.archive.asgi import ClientGoneError, Message, read_body
from aigaq.archive.errors import OversizeError, TruncatedError

SCOPE = {"type": "http", "headers": []}


def receiver(*messages: Message, wait_s: float = 0.0):
    """Gives these messages, each after that time; then none for ever."""
    left = list(messages)

    async def receive() -> Message:
        if wait_s:
            await asyncio.sleep(wait_s)
        if not left:
            await asyncio.Event().wait()
        return left.pop(0)

    return receive


def piece(body: bytes, *, more: bool = False) -> Message:
    return {"type": "http.request", "body": body, "more_body": more}


@pytest.mark.parametrize("wait_s", [0.0, 0.001])
async def test_a_body_comes_in_one_piece_or_many(wait_s):
    assert await read_body(SCOPE, receiver(piece(b"all"), wait_s=wait_s), 9) == b"all"
    pieces = [piece(b"a", more=True), piece(b"", more=True), piece(b"b")]
    assert await read_body(SCOPE, receiver(*pieces, wait_s=wait_s), 9) == b"ab"


@pytest.mark.parametrize("first", [[], [piece(b"a", more=True)]])
async def test_who_sends_no_more_is_gone(monkeypatch, first):
    monkeypatch.setattr(asgi, "IDLE_S", 0.01)
    with pytest.raises(ClientGoneError):
        await read_body(SCOPE, receiver(*first), 9)


async def test_who_hangs_up_is_gone():
    with pytest.raises(ClientGoneError):
        await read_body(SCOPE, receiver(piece(b"a", more=True), {"type": "http.disconnect"}), 9)


async def test_a_task_that_waits_for_a_body_can_be_cancelled():
    seen: list[BaseException] = []

    async def receive() -> Message:
        try:
            await asyncio.Event().wait()
        except BaseException as error:
            seen.append(error)
            raise
        raise AssertionError

    waiting = asyncio.create_task(read_body(SCOPE, receive, 9))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [type(error) for error in seen] == [asyncio.CancelledError]


async def test_a_fault_of_the_server_is_not_hidden():
    async def receive() -> Message:
        await asyncio.sleep(0)
        raise OSError("torn")

    with pytest.raises(OSError, match="torn"):
        await read_body(SCOPE, receive, 9)


async def test_lengths_that_do_not_agree_are_refused():
    announced = {**SCOPE, "headers": [(b"content-length", b"3")]}
    with pytest.raises(TruncatedError):
        await read_body(announced, receiver(piece(b"ab")), 9)
    with pytest.raises(OversizeError):
        await read_body(announced, receiver(piece(b"abc")), 2)
    with pytest.raises(OversizeError):
        await read_body(SCOPE, receiver(piece(b"ab", more=True), piece(b"c")), 2)
