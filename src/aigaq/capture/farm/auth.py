"""The password check of a camera: Basic (RFC 7617), Digest with MD5 as cameras do it, or SHA-256 (RFC 7616)."""

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from aigaq.capture.farm.faults import Auth
from aigaq.capture.farm.requests import Request

REALM: Final = "Aigaq camera farm"
_FIELD: Final = re.compile(r'(\w+)\s*=\s*(?:"([^"]*)"|([^\s,]+))')


class Gate:
    """Challenges and admits the requests of one connection."""

    def __init__(self, username: str, password: str) -> None:
        self._username = username
        self._password = password
        self._nonce = secrets.token_hex(16)
        self._uses = 0

    def challenge(self, auth: Auth, *, nonce_uses: int = 0) -> list[tuple[str, str]]:
        """The headers of a 401, with a new nonce if the old one has been used up."""
        stale = ""
        if nonce_uses and self._uses >= nonce_uses:
            self._nonce, self._uses, stale = secrets.token_hex(16), 0, ", stale=true"
        digest = f'Digest realm="{REALM}", nonce="{self._nonce}"{stale}'
        offers = {
            "sha256": [f'{digest}, qop="auth", algorithm=SHA-256'],
            "md5": [digest],
            "md5-qop": [f'{digest}, qop="auth", algorithm=MD5'],
            "basic": [f'Basic realm="{REALM}"'],
        }
        offers["any"] = [line for name in ("sha256", "md5-qop", "basic") for line in offers[name]]
        return [("WWW-Authenticate", line) for line in offers[auth]]

    def admits(self, request: Request, auth: Auth, *, nonce_uses: int = 0) -> bool:
        """Whether the request proves that it knows the password in the way that is asked for."""
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = f"{self._username}:{self._password}".encode()
            return auth in ("basic", "any") and hmac.compare_digest(rest.strip().encode(), base64.b64encode(given))
        if scheme.lower() != "digest" or auth == "basic" or (nonce_uses and self._uses >= nonce_uses):
            return False
        self._uses += 1
        return self._digest_fits(
            request.method, {m[1].lower(): m[2] or m[3] or "" for m in _FIELD.finditer(rest)}, auth
        )

    def _digest_fits(self, method: str, fields: dict[str, str], auth: Auth) -> bool:
        name = fields.get("algorithm", "MD5").upper()
        allowed = {"sha256": ("SHA-256",), "any": ("SHA-256", "MD5")}.get(auth, ("MD5",))
        if name not in allowed or fields.get("nonce") != self._nonce or fields.get("username") != self._username:
            return False
        secret = _hash(name, f"{self._username}:{REALM}:{self._password}")
        action = _hash(name, f"{method}:{fields.get('uri', '')}")
        middle = self._nonce
        if fields.get("qop"):
            middle += f":{fields.get('nc', '')}:{fields.get('cnonce', '')}:{fields['qop']}"
        expected = _hash(name, f"{secret}:{middle}:{action}")
        return hmac.compare_digest(fields.get("response", "").encode(), expected.encode())


def _hash(name: str, text: str) -> str:
    made = hashlib.sha256(text.encode()) if name == "SHA-256" else hashlib.md5(text.encode(), usedforsecurity=False)
    return made.hexdigest()
