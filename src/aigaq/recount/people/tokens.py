"""Viewers' tokens: given out by us, known to nobody, published as a hash. Networks: keyed hashes of addresses."""

import hashlib
import hmac
import ipaddress
import os
import secrets
from pathlib import Path
from typing import Final

KEY_BYTES: Final = 32


class Tokens:
    """Makes and knows tokens with the key of this recount."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    @classmethod
    def open(cls, path: Path) -> "Tokens":
        """With the key in the file, made where there is none."""
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            return cls(path.read_bytes())
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        return cls(path.read_bytes())

    def new(self) -> str:
        """A token for a new viewer: chance, and our mark on it, so that nobody can think one out."""
        chance = secrets.token_hex(16)
        return f"{chance}.{self._mac('token', chance)}"

    def viewer(self, token: str | None) -> str | None:
        """The public name of the viewer who holds this token; None where it is none of ours."""
        chance, _, mark = (token or "").partition(".")
        if len(chance) != 32 or not hmac.compare_digest(mark.encode(), self._mac("token", chance).encode()):
            return None
        return hashlib.sha256(b"aigaq viewer " + chance.encode()).hexdigest()[:32]

    def form_mark(self, viewer: str) -> str:
        """What a form of ours carries, so that no other site can send one in the viewer's name."""
        return self._mac("form", viewer)

    def is_form_mark(self, viewer: str, mark: str) -> bool:
        """Whether the form is ours."""
        return hmac.compare_digest(mark.encode(), self.form_mark(viewer).encode())

    def code(self, code: str) -> str:
        """Under what an access code is kept."""
        return self._mac("code", code.strip())

    def network(self, address: str) -> str:
        """A keyed hash of the network that an address belongs to: /24 of IPv4, /48 of IPv6, as households get them."""
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return self._mac("network", "")
        mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
        known = mapped or found
        prefix = 24 if known.version == 4 else 48
        return self._mac("network", str(ipaddress.ip_network((known, prefix), strict=False)))

    def _mac(self, purpose: str, text: str) -> str:
        return hmac.new(self._key, f"{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()[:32]
