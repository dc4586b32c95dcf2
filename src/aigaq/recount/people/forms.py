"""Forms as the pages of people's recount send them: short, plain, and from our own page."""

from typing import Final
from urllib.parse import parse_qs

from fastapi import Request, Response

from aigaq.recount.people.errors import ForeignFormError, TooLongError

COOKIE: Final = "aigaq_viewer"
_COOKIE_S: Final = 180 * 24 * 3600
_OURS: Final = frozenset({"", "same-origin", "none"})
_TYPE: Final = "application/x-www-form-urlencoded"


async def read_form(request: Request, limit: int = 8192) -> dict[str, str]:
    """The fields of a form; of a name that comes twice, the first.

    Raises:
        ForeignFormError: another site sent it (Fetch Metadata, W3C).
        TooLongError: it is longer than the limit, or no form.
    """
    if request.headers.get("sec-fetch-site", "") not in _OURS:
        raise ForeignFormError
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            raise TooLongError(limit=limit)
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise TooLongError(limit=limit)
    try:
        fields = parse_qs(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=200)
    except ValueError as error:
        raise TooLongError(limit=limit) from error
    return {name: values[0] for name, values in fields.items()}


def give_token(response: Response, token: str, request: Request) -> None:
    """Keep a viewer's token in their browser, out of reach of scripts and of other sites."""
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, token, max_age=_COOKIE_S, httponly=True, samesite="lax", secure=secure, path="/")


def address_of(request: Request) -> str:
    """Where the request came from, as the proxy before the centre tells it."""
    return request.client.host if request.client else ""
