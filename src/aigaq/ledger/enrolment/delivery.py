"""Brings a leaf that carries its own authority to the centre, and files to the disk without overwriting any."""

import json
from pathlib import Path
from typing import Any, cast

import httpx2

from aigaq.base import N_
from aigaq.ledger.durable import write_whole
from aigaq.ledger.enrolment.errors import CenterRefusedError, OutputError
from aigaq.ledger.key_files import told

LEAF_PATH = "/ingest/v1/leaf"


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet, durably.

    Raises:
        OutputError: it is there, or the disk refuses it.
    """
    if path.exists():
        raise OutputError(str(path), problem=N_("the file exists already"))
    try:
        write_whole([(path, data)])
    except OSError as error:
        raise OutputError(str(path), problem=told(error)) from error


def post_leaf(center: str, leaf: bytes) -> int:
    """Bring a leaf to the centre; its index in the national log. Bringing it again gives the same index.

    Raises:
        CenterRefusedError: no answer, a refusal, or an answer that makes no sense.
    """
    url = center.rstrip("/") + LEAF_PATH
    try:
        response = httpx2.post(url, content=leaf, timeout=30)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise CenterRefusedError(url, answer=str(error) or type(error).__name__) from error
    answer = _json(response.content)
    index = answer.get("index")
    if response.is_success and type(index) is int:
        return index
    said = answer.get("why") or response.reason_phrase
    raise CenterRefusedError(url, answer=f"{response.status_code} {said}")


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = cast("object", json.loads(body[:65536]))
    except ValueError:
        return {}
    return cast("dict[str, Any]", found) if isinstance(found, dict) else {}
