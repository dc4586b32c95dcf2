"""The figures of a results protocol that a tally is compared with: from a small TOML or JSON file, or from words.

Reads no paper; what the figures mean, and whether they agree with one another, is for `results`.
"""

import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from aigaq.election import ID_PATTERN
from aigaq.recount.errors import ClaimsError
from aigaq.recount.tally import Claimed

MOST: Final = 100_000
_BYTES: Final = 1 << 20
_WORD: Final = re.compile(r"([a-z0-9-]+)\.(?:(ballots|invalid)|votes\.([a-z0-9-]+))=([0-9]{1,6})")
EXAMPLE: Final = "party-list.ballots=650, party-list.invalid=12 or party-list.votes.choice-1=300"


def read_claims(path: Path) -> tuple[Claimed, ...]:
    """The figures of a file: a table for each contest under `contests`.

    Raises:
        ClaimsError: it cannot be read, or says something else.
    """
    try:
        with path.open("rb") as stream:
            text = stream.read(_BYTES + 1).decode("utf-8-sig")
        root: object = json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ClaimsError(str(path), problem=error.strerror or type(error).__name__) from error
    except (ValueError, RecursionError) as error:
        raise ClaimsError(str(path), problem=str(error)) from error
    return tuple(_claims(root, str(path)))


def claims_of(words: Sequence[str]) -> tuple[Claimed, ...]:
    """The figures of words as `party-list.votes.choice-1=300`.

    Raises:
        ClaimsError: a word says something else, or the same twice.
    """
    root: dict[str, dict[str, Any]] = {}
    for word in words:
        found = _WORD.fullmatch(word)
        if not found:
            raise ClaimsError(word, problem=f"write it as {EXAMPLE}")
        contest = root.setdefault(found[1], {"votes": {}})
        table, key = (contest["votes"], found[3]) if found[3] else (contest, found[2])
        if key in table:
            raise ClaimsError(word, problem="it is given twice")
        table[key] = int(found[4])
    return tuple(_claims({"format": 1, "contests": root}, ""))


def _claims(root: object, where: str) -> list[Claimed]:
    if not isinstance(root, dict) or set(root) != {"format", "contests"} or root["format"] != 1:
        raise ClaimsError(where, problem="it needs `format = 1` and a table `[contests.<id>]` for each contest")
    contests: object = root["contests"]
    if not isinstance(contests, dict):
        raise ClaimsError(where, problem="contests is no table")
    return [_claimed(str(name), table, where) for name, table in contests.items()]


def _claimed(contest: str, table: object, where: str) -> Claimed:
    at = f"contests.{contest}"
    if not ID_PATTERN.fullmatch(contest):
        raise ClaimsError(where, problem=f"{at}: no id")
    if not isinstance(table, dict) or not set(table) <= {"ballots", "invalid", "votes"}:
        raise ClaimsError(where, problem=f"{at}: known are ballots, invalid and votes")
    votes: object = table.get("votes", {})
    if not isinstance(votes, dict):
        raise ClaimsError(where, problem=f"{at}.votes is no table")
    return Claimed(
        contest,
        _number(table, "ballots", at, where),
        _number(table, "invalid", at, where),
        {str(choice): _number(votes, choice, f"{at}.votes", where) or 0 for choice in votes},
    )


def _number(table: Mapping[Any, Any], key: str, at: str, where: str) -> int | None:
    value = table.get(key)
    if value is None or (type(value) is int and 0 <= value <= MOST):
        return value
    raise ClaimsError(where, problem=f"{at}.{key}: not a whole number from 0 to {MOST}")
