"""The built scripts, styles and fonts: in RAM, compressed beforehand, named by content and served by raw ASGI.

Nothing is read from the disk after start, and an address outside the manifest is not found: there is no path to climb.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from starlette.types import Receive, Scope, Send

from aigaq.base import N_, AigaqError

BUILT: Final = Path(__file__).parent / "static"
FOREVER: Final = b"public, max-age=31536000, immutable"
"""Names change with content, so a copy never grows old (RFC 8246)."""
TYPES: Final = {
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
    ".svg": b"image/svg+xml",
    ".woff2": b"font/woff2",
    ".txt": b"text/plain; charset=utf-8",
}


class AssetsMissingError(AigaqError):
    """The pages' scripts and styles have not been built."""

    code = "web.assets_missing"
    why = N_("The scripts and styles of the pages have not been built.")
    hint = N_("Run: python tools/build_ui.py build (or: make demo).")


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its type, and its bytes per content coding (`identity`, `gzip`, `br`)."""

    content_type: bytes
    bodies: Mapping[str, bytes]


class Assets:
    """All built files; an ASGI app for everything below `/static/`."""

    def __init__(self, names: Mapping[str, str], files: Mapping[str, Asset]) -> None:
        self._names = names
        self._files = files

    @classmethod
    def load(cls, folder: Path = BUILT) -> "Assets":
        """Read what `tools/build_ui.py` built.

        Raises:
            AssetsMissingError: nothing is built there.
        """
        try:
            names: dict[str, str] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise AssetsMissingError(str(folder)) from error
        plain = [path for path in folder.iterdir() if path.suffix in TYPES]
        return cls(names, {path.name: _read(path) for path in plain})

    def url(self, name: str) -> str:
        """The address of a file by its name in the manifest, for example `style.css`."""
        return f"/static/{self._names[name]}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI gives it
        """Serve one file."""
        if scope["type"] != "http":
            return
        name = scope["path"].rsplit("/", 1)[-1]
        asset = self._files.get(name)
        if asset is None or scope["path"] not in {f"/static/{name}", f"/{name}"}:
            await _reply(send, 404, [(b"content-type", b"text/plain")], b"")
        elif scope["method"] not in {"GET", "HEAD"}:
            await _reply(send, 405, [(b"allow", b"GET, HEAD")], b"")
        else:
            await self._send(asset, scope, send)

    @staticmethod
    async def _send(asset: Asset, scope: Scope, send: Send) -> None:
        coding = _coding(asset, scope["headers"])
        body = asset.bodies[coding]
        headers = [
            (b"content-type", asset.content_type),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", FOREVER),
            (b"vary", b"accept-encoding"),
        ]
        if coding != "identity":
            headers.append((b"content-encoding", coding.encode()))
        await _reply(send, 200, headers, b"" if scope["method"] == "HEAD" else body)


def _read(path: Path) -> Asset:
    bodies = {"identity": path.read_bytes()}
    for coding, suffix in (("gzip", ".gz"), ("br", ".br")):
        compressed = path.with_name(path.name + suffix)
        if compressed.is_file():
            bodies[coding] = compressed.read_bytes()
    return Asset(TYPES[path.suffix], bodies)


def _coding(asset: Asset, headers: list[tuple[bytes, bytes]]) -> str:
    accepted = b",".join(value for name, value in headers if name == b"accept-encoding").decode("latin-1")
    offers = {part.strip().partition(";")[0] for part in accepted.split(",") if not part.strip().endswith("q=0")}
    return next((c for c in ("br", "gzip") if c in offers and c in asset.bodies), "identity")


async def _reply(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
