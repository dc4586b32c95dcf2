"""Headers that keep a page to what we wrote: no foreign script, style, frame or form (W3C CSP Level 3)."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

DIRECTIVES: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "font-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "form-action 'self'",
)
HEADERS: Final = (
    (b"content-security-policy", "; ".join(DIRECTIVES).encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), microphone=(), geolocation=(), payment=(), usb=()"),
)
HTTPS_ONLY: Final = (b"strict-transport-security", b"max-age=31536000")


def security_headers(scope: Scope) -> list[tuple[bytes, bytes]]:
    """What each answer owes; over TLS also that the next visit must use it."""
    return [*HEADERS, HTTPS_ONLY] if scope.get("scheme") == "https" else [*HEADERS]


class SecurityHeaders:
    """ASGI middleware: adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, with the headers added where the answer starts."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), *security_headers(scope)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
