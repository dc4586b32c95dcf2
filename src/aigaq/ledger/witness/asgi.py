"""The little of HTTP that small programs of the ledger need: whole bodies with a limit, plain answers, one server.

No framework: a witness is meant to be read in an evening and to start at once.
"""

import asyncio
import signal
import socket
from collections.abc import Awaitable, Callable, Generator, Iterable, MutableMapping
from contextlib import contextmanager
from typing import Any, Final

import uvicorn

from aigaq.base import DEFAULT_LANGUAGE, Language, as_language
from aigaq.ledger.witness.errors import ListenError

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"
IDLE_S: Final = 20
"""A sender that is silent for longer is let go."""
_CONFIG: Final[dict[str, Any]] = {
    "http": "httptools",
    "lifespan": "off",
    "ws": "none",
    "access_log": False,
    "server_header": False,
    "log_level": "warning",
    "limit_concurrency": 256,
    "timeout_graceful_shutdown": 5,
}
_COMMON: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"access-control-allow-origin", b"*"),
    (b"cache-control", b"no-store"),
)


class ClientGoneError(ConnectionError):
    """The other side hung up or fell silent before its body was whole."""


async def read_body(receive: Receive, limit: int) -> bytes:
    """The body, or its first `limit` + 1 bytes where it is longer.

    Raises:
        ClientGoneError: it ends early.
    """
    data = bytearray()
    more = True
    while more and len(data) <= limit:
        try:
            async with asyncio.timeout(IDLE_S):
                message = await receive()
        except TimeoutError as error:
            raise ClientGoneError from error
        if message["type"] != "http.request":
            raise ClientGoneError
        data += message.get("body", b"")
        more = message.get("more_body", False)
    return bytes(data[: limit + 1])


async def answer(
    send: Send, status: int, body: bytes, kind: str = TEXT, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """A whole answer that no cache keeps."""
    own = ((b"content-type", kind.encode()), (b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": [*own, *_COMMON, *headers]})
    await send({"type": "http.response.body", "body": body})


def reader_language(scope: Scope) -> Language:
    """The first of our languages that the browser names; Russian, which most readers know, if it names none."""
    wishes = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept-language"), "")
    for part in wishes.split(",")[:20]:
        if language := as_language(part.strip()[:2].lower()):
            return language
    return DEFAULT_LANGUAGE


async def serve(app: App, host: str, port: int, *, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM; `ready` is told the address, with the port that was taken where `port` is 0.

    Raises:
        ListenError: nothing can listen there.
    """
    with _listen(host, port) as listener:
        name = f"[{host}]" if ":" in host else host
        ready(f"http://{name}:{listener.getsockname()[1]}")
        server = _Server(uvicorn.Config(app, **_CONFIG))
        serving = asyncio.ensure_future(server.serve(sockets=[listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            server.should_exit = True
            await serving
            raise


async def until_signal() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    with _on_signals(lambda _: stopped.set()):
        await stopped.wait()


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Stop on a signal, and do not raise it again afterwards: who is stopped on request ends with exit code 0."""
        with _on_signals(lambda which: self.handle_exit(which, None)):
            yield


@contextmanager
def _on_signals(handle: Callable[[int], None]) -> Generator[None]:
    loop = asyncio.get_running_loop()
    for which in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(which, handle, which)
    try:
        yield
    finally:
        for which in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(which)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ListenError(f"{host}:{port}", reason=error.strerror) from error
