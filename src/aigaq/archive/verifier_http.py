"""Serves the offline verifier (`/verifier.html`): one file that carries its own rules of what it may load and run."""

from typing import Final

from aigaq.archive.asgi import Receive, Scope, Send, refuse, require_method
from aigaq.archive.evidence import verifier_page
from aigaq.base import AigaqError

PATH: Final = "/verifier.html"
_HEADERS: Final = (
    (b"content-type", b"text/html; charset=utf-8"),
    (b"cache-control", b"public, max-age=300"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
)
"""The page's own `meta` forbids it every connection; framing alone can only be forbidden here (W3C CSP Level 3)."""


async def verifier(scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer one request."""
    try:
        require_method(scope, "GET", "HEAD")
        page = verifier_page()
    except AigaqError as error:
        await refuse(scope, send, error)
        return
    headers = [*_HEADERS, (b"content-length", b"%d" % len(page))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else page})
