"""How an error reaches a reader: a page in their language, or JSON with the same four facts for a program."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.responses import Response

from aigaq.base import N_, AigaqError, Explanation
from aigaq.web.language import language_of
from aigaq.web.security import security_headers
from aigaq.web.templating import render


class WebError(AigaqError):
    """Root of what can be wrong with a request for a page."""

    code = "web.error"
    http_status: ClassVar[int] = HTTPStatus.BAD_REQUEST


class PageNotFoundError(WebError):
    """No page has this address."""

    code = "web.not_found"
    why = N_("There is no page at this address.")
    hint = N_("Check the address, or start from the list of polling stations.")
    http_status = HTTPStatus.NOT_FOUND


class BadRequestError(WebError):
    """The address or the form has a part that cannot be read."""

    code = "web.bad_request"
    why = N_("A part of the request cannot be read: {problem}.")
    hint = N_("Correct that part, or open the page anew.")


class UnreadableTimeError(WebError):
    """A time is neither milliseconds nor ISO 8601."""

    code = "web.unreadable_time"
    why = N_("“{text}” is not a time.")
    hint = N_("Write a date and a time like 2026-03-15T10:42:07.")


class MethodNotAllowedError(WebError):
    """The address exists but does not take this verb."""

    code = "web.method_not_allowed"
    why = N_("This address does not accept {method} requests.")
    hint = N_("Open it with a plain link, or see the reference of the interface.")
    http_status = HTTPStatus.METHOD_NOT_ALLOWED


class InternalError(WebError):
    """A fault of ours."""

    code = "web.internal"
    why = N_("The page could not be made because of a fault on our side.")
    hint = N_("Try again in a minute. The recordings are not affected: they are kept and sealed apart from the pages.")
    http_status = HTTPStatus.INTERNAL_SERVER_ERROR


def install_error_answers(app: FastAPI) -> None:
    """Answer every error of the app through `error_answer`."""
    app.add_exception_handler(AigaqError, _answer(_as_it_is))
    app.add_exception_handler(HTTPException, _answer(_from_http))
    app.add_exception_handler(RequestValidationError, _answer(_from_validation))
    app.add_exception_handler(Exception, _fault_answer)


def error_answer(request: Request, error: AigaqError) -> Response:
    """The error as a page, or as JSON where the reader is a program."""
    language = language_of(request.url.path, request.headers.get("accept-language"))
    status = error.http_status
    told = error.explain(language)
    return _json(told, status) if _wants_json(request) else _page(request, told, status)


def _json(told: Explanation, status: int) -> Response:
    body = {"code": told.code, "where": told.where, "why": told.why, "hint": told.hint}
    return JSONResponse(body, status, {"Vary": "Accept, Accept-Language", "Cache-Control": "no-store"})


def _page(request: Request, told: Explanation, status: int) -> Response:
    response = render(request, "error.html", {"told": told, "status": status}, status=status)
    response.headers["Cache-Control"] = "no-store"
    return response


def _wants_json(request: Request) -> bool:
    accept = request.headers.get("accept", "")
    return request.url.path.startswith("/api/") or ("json" in accept and "text/html" not in accept)


def _as_it_is(_request: Request, error: Exception) -> Exception:
    return error


async def _fault_answer(request: Request, _error: Exception) -> Response:
    response = error_answer(request, InternalError())
    # Starlette makes this answer outside of all middleware, so the headers that each answer owes are added here.
    response.raw_headers.extend(security_headers(request.scope))
    return response


def _from_http(request: Request, error: Exception) -> AigaqError:
    status = error.status_code if isinstance(error, HTTPException) else 500
    if status == HTTPStatus.NOT_FOUND:
        return PageNotFoundError(request.url.path)
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return MethodNotAllowedError(request.url.path, method=request.method)
    return BadRequestError(request.url.path, problem=f"HTTP {status}") if status < 500 else InternalError()


def _from_validation(request: Request, error: Exception) -> AigaqError:
    details = error.errors() if isinstance(error, RequestValidationError) else []
    problems = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in details)
    return BadRequestError(request.url.path, problem=problems)


def _answer(convert: Callable[[Request, Exception], Exception]) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def answer(request: Request, error: Exception) -> Response:
        known = convert(request, error)
        return error_answer(request, known if isinstance(known, AigaqError) else InternalError())

    return answer
