"""The command line: judge a clip or an evidence package offline. The exit code is the verdict."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aigaq_verify.clip import NotAClipError
from aigaq_verify.package import NotEvidenceError, verify
from aigaq_verify.policy import MAX_POLICY, Policy, PolicyError, parse_policy

USAGE: Final = 2
NOT_A_CLIP: Final = 8
EPILOG: Final = """\
exit codes:
   0  VERIFIED     whole, unchanged, in the log, and confirmed by the witnesses that you trust
   3  GAP          the same, but time without footage or without contact is on record
  10  LATE         witnessed more than 60 s after the time it claims
   9  UNWITNESSED  in the log, but no quorum of the witnesses that you trust has confirmed it
   4  SILENT HOLE  time is missing and nobody signed for it
   5  NOT IN LOG   a part is not proven to be in the election's log
   6  UNKNOWN KEY  sealed by no key that you trust, or no trust file given
   7  FAILED       changed, forged or incomplete
   8               neither a clip nor an evidence package
   1  internal error, 2  wrong usage, or a trust file that cannot be used

Get the trust file from someone other than the one who gave you the clip.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="aigaq-verify",
        description="Judge a clip or an evidence package of a polling station's recording, offline.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("clip", type=Path, metavar="FILE", help="clip or evidence package, as the archive exported it")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the keys that you trust, in C2SP tlog-policy form")
    parser.add_argument("--zone", metavar="ZONE", help="also show times in this zone, for example Asia/Almaty")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    options = parser.parse_args(arguments)
    return run(options.clip, options.trust, zone=options.zone, as_json=options.json)


def run(clip: Path, trust: Path | None, *, zone: str | None = None, as_json: bool = False) -> int:
    """Judge a clip, print the report on standard output, and return the exit code."""
    try:
        shown_in = None if zone is None else _zone(zone)
        policy = None if trust is None else _read_policy(trust)
        with clip.open("rb") as stream:
            report = verify(stream, policy)
    except (NotAClipError, NotEvidenceError) as error:
        return _refuse(NOT_A_CLIP, "NOT A CLIP", f"{clip}: {error}", as_json=as_json)
    except PolicyError as error:
        return _refuse(USAGE, "USAGE", f"the trust file {trust} cannot be used: {error}", as_json=as_json)
    except _UsageError as error:
        return _refuse(USAGE, "USAGE", str(error), as_json=as_json)
    except OSError as error:
        return _refuse(USAGE, "USAGE", f"{error.filename or clip}: {error.strerror}", as_json=as_json)
    text = json.dumps(report.as_json(), indent=1) + "\n" if as_json else report.as_text(shown_in)
    sys.stdout.write(text)
    return int(report.verdict)


class _UsageError(ValueError):
    pass


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise _UsageError(f"no time zone is called {name!r}") from error


def _read_policy(path: Path) -> Policy:
    with path.open("rb") as stream:
        return parse_policy(stream.read(MAX_POLICY + 1))


def _refuse(code: int, word: str, reason: str, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"verdict": word, "exit_code": code, "headline": reason}, indent=1) + "\n")
    else:
        sys.stderr.write(f"{word}: {reason}\n")
    return code
