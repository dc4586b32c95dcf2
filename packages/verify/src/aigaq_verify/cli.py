"""The command line: judge a clip or an evidence package offline. The exit code is the verdict."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aigaq_verify.container import NotEvidenceError
from aigaq_verify.judge import verify
from aigaq_verify.policy import PolicyError, parse_policy
from aigaq_verify.report import Verdict

USAGE: Final = 2
NOT_A_CLIP: Final = 8
_CODES: Final = "".join(f"  {int(v):>2}  {v.words:<11}  {v.headline}\n" for v in Verdict)
WHAT: Final = "Judge a clip or an evidence package of a polling station's recording, offline."
EPILOG: Final = f"""\
exit codes, from the best verdict to the worst:
{_CODES}\
   8               neither a clip nor an evidence package
   1  internal error, 2  wrong usage, or a trust file that cannot be used

Get the trust file from someone other than the one who gave you the clip.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("aigaq-verify", description=WHAT, epilog=EPILOG, formatter_class=form)
    parser.add_argument("file", type=Path, metavar="FILE", help="as the archive exported it")
    parser.add_argument("--trust", type=Path, metavar="FILE", help="the keys that you trust, in C2SP tlog-policy form")
    parser.add_argument("--zone", metavar="ZONE", help="also show times in this zone, for example Asia/Almaty")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    given = parser.parse_args(arguments)
    return run(given.file, given.trust, zone=given.zone, as_json=given.json)


def run(file: Path, trust: Path | None, *, zone: str | None = None, as_json: bool = False) -> int:
    """Judge a file, print the report on standard output, and return the exit code."""
    try:
        shown_in = None if zone is None else ZoneInfo(zone)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return _refuse(USAGE, "USAGE", f"no time zone is called {zone!r}", as_json=as_json)
    try:
        policy = None if trust is None else parse_policy(trust.read_bytes())
        with file.open("rb") as stream:
            report = verify(stream, policy)
    except NotEvidenceError as error:
        return _refuse(NOT_A_CLIP, "NOT A CLIP", f"{file}: {error}", as_json=as_json)
    except PolicyError as error:
        return _refuse(USAGE, "USAGE", f"the trust file {trust} cannot be used: {error}", as_json=as_json)
    except OSError as error:
        return _refuse(USAGE, "USAGE", f"{error.filename or file}: {error.strerror}", as_json=as_json)
    sys.stdout.write(json.dumps(report.as_json(), indent=1) + "\n" if as_json else report.as_text(shown_in))
    return int(report.verdict)


def _refuse(code: int, word: str, reason: str, *, as_json: bool) -> int:
    if as_json:
        sys.stdout.write(json.dumps({"verdict": word, "exit_code": code, "headline": reason}, indent=1) + "\n")
    else:
        sys.stderr.write(f"{word}: {reason}\n")
    return code
