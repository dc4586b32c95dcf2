"""`aigaq verify`: hands the clip to the standalone verifier."""

from pathlib import Path
from typing import Annotated

import typer

from aigaq_verify.cli import run


def verify(
    clip: Annotated[Path, typer.Argument(metavar="CLIP.zip", help="A clip as the archive exported it.")],
    *,
    trust: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The keys that you trust (C2SP tlog-policy).")
    ] = None,
    zone: Annotated[str | None, typer.Option(help="Also show times in this zone, for example Asia/Almaty.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> None:
    """Judge a clip offline: bytes intact, station key trusted, in the station's log, no silent hole.

    Exit codes: 0 VERIFIED · 3 GAP, signed by the station · 4 SILENT HOLE ·
    5 NOT IN LOG · 6 UNKNOWN KEY, or no trust file · 7 FAILED ·
    8 not a clip · 2 wrong usage · 1 internal error.

    Get the trust file from someone other than the one who gave you the clip.
    """
    raise typer.Exit(run(clip, trust, zone=zone, as_json=as_json))
