"""RTSP authentication: Basic (RFC 7617) and Digest (RFC 7616, with RFC 2069's old form for cameras without qop).

Owns the choice among challenges and the computation of the answer. Refuses algorithms that it does not know.
"""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

_PARAM: Final = re.compile(r'([A-Za-z0-9_-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]*))')
_HASHES: Final[dict[str, Callable[[bytes], str]]] = {
    "SHA-512-256": lambda data: hashlib.new("sha512_256", data).hexdigest(),
    "SHA-256": lambda data: hashlib.sha256(data).hexdigest(),
    "MD5": lambda data: hashlib.md5(data, usedforsecurity=False).hexdigest(),
}
_STRENGTH: Final = ("SHA-256", "SHA-512-256", "MD5", "BASIC")


@dataclass(frozen=True, slots=True)
class Challenge:
    """One `WWW-Authenticate` header."""

    algorithm: str
    """`BASIC`, or a digest algorithm as in RFC 7616 §6.1, upper case, `-SESS` kept."""
    realm: str = ""
    nonce: str = ""
    opaque: str | None = None
    qop: str | None = None
    stale: bool = False


def parse_challenge(header: str) -> Challenge | None:
    """Read one challenge; None if its scheme or algorithm is unknown."""
    scheme, _, rest = header.strip().partition(" ")
    facts = {m[1].lower(): _unquote(m[2]) if m[2] is not None else m[3] for m in _PARAM.finditer(rest)}
    if scheme.lower() == "basic":
        return Challenge("BASIC", facts.get("realm", ""))
    algorithm = (facts.get("algorithm") or "MD5").upper()
    if scheme.lower() != "digest" or algorithm.removesuffix("-SESS") not in _HASHES:
        return None
    offered = [q.strip().lower() for q in facts.get("qop", "").split(",")]
    return Challenge(
        algorithm,
        facts.get("realm", ""),
        facts.get("nonce", ""),
        facts.get("opaque"),
        "auth" if "auth" in offered else None,
        facts.get("stale", "").lower() == "true",
    )


def _unquote(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text)


def strongest(headers: Iterable[str]) -> Challenge | None:
    """The best challenge that we can answer: SHA-256 before MD5 before Basic (RFC 7616 §3.7)."""
    known = [c for c in map(parse_challenge, headers) if c]
    return min(known, key=lambda c: _STRENGTH.index(c.algorithm.removesuffix("-SESS")), default=None)


@dataclass(slots=True)
class Authenticator:
    """Answers one challenge for request after request; counts the uses of its nonce."""

    username: str
    password: str
    challenge: Challenge
    cnonce: str
    uses: int = 0

    def header(self, method: str, uri: str) -> str:
        """Value of the `Authorization` header for this request."""
        if self.challenge.algorithm == "BASIC":
            pair = f"{self.username}:{self.password}".encode()
            return "Basic " + base64.b64encode(pair).decode()
        self.uses += 1
        return self._digest(method, uri)

    def _digest(self, method: str, uri: str) -> str:
        c = self.challenge
        count = f"{self.uses:08x}"
        middle = f"{c.nonce}:{count}:{self.cnonce}:{c.qop}" if c.qop else c.nonce
        response = self._hash(f"{self._secret()}:{middle}:{self._hash(f'{method}:{uri}')}")
        facts = f'username="{_quote(self.username)}", realm="{_quote(c.realm)}", nonce="{c.nonce}", uri="{uri}"'
        facts += f', response="{response}"'
        # cameras without RFC 7616 choke on an algorithm that they did not name: MD5 stays unsaid
        if c.algorithm != "MD5":
            facts += f", algorithm={c.algorithm}"
        if c.opaque is not None:
            facts += f', opaque="{c.opaque}"'
        if c.qop or c.algorithm.endswith("-SESS"):
            facts += f', cnonce="{self.cnonce}"'
        if c.qop:
            facts += f", qop={c.qop}, nc={count}"
        return "Digest " + facts

    def _secret(self) -> str:
        """A1 hashed (RFC 7616 §3.4.2)."""
        first = self._hash(f"{self.username}:{self.challenge.realm}:{self.password}")
        if self.challenge.algorithm.endswith("-SESS"):
            return self._hash(f"{first}:{self.challenge.nonce}:{self.cnonce}")
        return first

    def _hash(self, text: str) -> str:
        name = self.challenge.algorithm.removesuffix("-SESS")
        return _HASHES[name](text.encode())


def _quote(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
