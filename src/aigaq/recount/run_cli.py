"""`aigaq recount fetch`, `run`, `report`, `tally`, `evidence`: from films to folders, and what is made of folders."""

import json
import os
import secrets
import socket
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer
import uvicorn
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.table import Table

from aigaq.base import DEFAULT_LANGUAGE, AigaqError, Language, Progress, SystemClock, as_language
from aigaq.recount.claims import claims_of, read_claims
from aigaq.recount.errors import HelpPortError, StyleMissingError
from aigaq.recount.evidence import write_evidence
from aigaq.recount.fetch import fetch_clips
from aigaq.recount.files import kept_styles, read_reading
from aigaq.recount.help_feed import Feed, Guide
from aigaq.recount.help_site import HelpPage
from aigaq.recount.model import Count, GapKind, Outcome
from aigaq.recount.people.desk import Desk
from aigaq.recount.people.errors import NoCountError
from aigaq.recount.people.model import PeopleReading
from aigaq.recount.reading.count import Order, read_films
from aigaq.recount.reading.source import Film, films_of
from aigaq.recount.report import Told, report_html
from aigaq.recount.settings import load_recount_settings
from aigaq.recount.styles import LoadedStyle, load_styles
from aigaq.recount.tally import Claimed, ContestTally, tally
from aigaq.recount.tally_view import BallotLink, check_claims, contests_of, tally_view
from aigaq.web import parse_time

DIFFERS: Final = 3
"""Exit code where the protocol lies outside what was observed."""
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="A reading folder.")]
AsJson = Annotated[bool, typer.Option("--json", help="Answer in JSON on standard output.")]
Protocol = Annotated[
    Path | None, typer.Option("--protocol", metavar="FILE", help="Figures of the protocol, as TOML or JSON.")
]
Claims = Annotated[
    list[str] | None,
    typer.Option("--claim", metavar="WORD", help="A figure of the protocol, as party-list.votes.choice-1=300."),
]
People = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="Settings of the centre whose people read DIR: take along what they say."),
]
Tongue = Annotated[str, typer.Option("--language", help="kk, ru or en.")]
out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fetch(
    station: Annotated[str, typer.Argument(help="Polling station.")],
    camera: Annotated[str, typer.Argument(help="Camera of the counting table.")],
    from_: Annotated[str, typer.Argument(metavar="FROM", help="ISO 8601 with offset, or milliseconds.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="As FROM.")],
    *,
    center: Annotated[str, typer.Option(help="Address of the centre.")],
    folder: Annotated[Path, typer.Option("--out", "-o", help="Folder for the clips.")],
) -> None:
    """Fetch sealed footage of a count from a centre, an hour a clip; give the clips to `run`.

    What is there already is kept. Judge the clips with `aigaq verify`.
    """
    start, end = _moment(from_), _moment(to)
    if start >= end:
        raise typer.BadParameter("FROM is not before TO")
    for path in fetch_clips(center, station, camera, start, end, folder):
        typer.echo(str(path))


def run(
    video: Annotated[
        list[Path],
        typer.Argument(metavar="VIDEO…", help="Video files, or clips with proofs; clips of one camera are one film."),
    ],
    *,
    style: Annotated[
        list[Path], typer.Option("--style", help="Folder of a ballot style, or of several; may be given again.")
    ],
    folder: Annotated[
        Path, typer.Option("--out", "-o", help="Reading folder to write; of several films, a folder of them.")
    ],
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes at once; as many as cores without it.")] = None,
    view: Annotated[str, typer.Option(help="Which camera of an evidence package, as table-1-main.")] = "",
    language: Tongue = DEFAULT_LANGUAGE,
    as_json: AsJson = False,
) -> None:
    """Read the ballots that a film shows, into a reading folder with a report.

    Stopped, it goes on where it was when the same words are given again. Exit codes: 0 every film is read · 1 one is
    not, the reason is on standard error.
    """
    tongue = _language(language)
    homes = tuple(home for given in style for home in _style_homes(given))
    films, broken = films_of(video, view)
    alone = len(films) == 1 and not broken
    orders = [
        Order(one, homes, folder if alone else folder / name) for one, name in zip(films, _names(films), strict=True)
    ]
    done = _read(orders, jobs or os.cpu_count() or 1)
    told = [_told(order, answer, tongue) for order, answer in done]
    told += [{"film": str(path), "error": asdict(error.explain())} for path, error in broken]
    if as_json:
        typer.echo(json.dumps({"films": told}, ensure_ascii=False))
    else:
        _print_films(told)
    for one in told:
        if "error" in one:
            err.print(
                f"{one['film']}: {one['error']['why']}\n{one['error']['hint']}\n[{one['error']['code']}]", markup=False
            )
    if any("error" in one for one in told):
        raise typer.Exit(1)


def report(
    folder: Folder,
    *,
    to: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; in the folder without it.")] = None,
    language: Tongue = DEFAULT_LANGUAGE,
    public: Annotated[
        bool, typer.Option("--public", help="Squares alone, in random order and without times: fit to be published.")
    ] = False,
    zone: Annotated[str, typer.Option(help="Times of day in this zone, for example Asia/Almaty.")] = "UTC",
    protocol: Protocol = None,
    claim: Claims = None,
    config: People = None,
) -> None:
    """Make one HTML file of a reading folder: completeness, tally, gaps, and every ballot with its pictures."""
    tongue = _language(language)
    path = to or folder / f"report{'-public' if public else ''}-{tongue}.html"
    count = read_reading(folder)
    told = Told(kept_styles(folder, count), _people(config, folder), _claimed(protocol, claim))
    key = secrets.token_bytes(16) if public else None
    path.write_text(report_html(folder, count, told, language=tongue, zone=zone, public_key=key), encoding="utf-8")
    typer.echo(str(path))


def tally_command(
    folder: Folder,
    *,
    protocol: Protocol = None,
    claim: Claims = None,
    config: People = None,
    as_json: AsJson = False,
) -> None:
    """Compare what was read with the figures of a protocol; completeness comes first.

    Exit codes: 0 the protocol lies within what was observed · 1 it could not be done · 3 it lies outside.
    """
    count = read_reading(folder)
    styles = kept_styles(folder, count)
    claimed = _claimed(protocol, claim)
    contests = contests_of(count, styles)
    check_claims(claimed, contests)
    tallies = tally(count, contests, people=_people(config, folder), claimed=claimed)
    if as_json:
        typer.echo(json.dumps({"contests": [_tally_json(one) for one in tallies]}, ensure_ascii=False))
    else:
        view = tally_view(tallies, contests, count, styles, language="en", link=lambda n: BallotLink(str(n), ""))
        for one in view.contests:
            _print_contest(one)
        for gap in view.gaps:
            out.print(f"{gap.when}  {gap.text}", markup=False)
    if any(one.differs for one in tallies):
        raise typer.Exit(DIFFERS)


def evidence(
    folder: Folder,
    n: Annotated[int, typer.Argument(metavar="N", help="Number of the presentation, as in the report.")],
    *,
    to: Annotated[Path, typer.Option("--out", "-o", help="File to write.")],
    clip: Annotated[
        list[Path] | None, typer.Option("--clip", help="A clip with proofs that shows it; may be given again.")
    ] = None,
    config: People = None,
) -> None:
    """Pack all that is known of one ballot: times, pictures, scores, versions, and the sealed segments that show it."""
    write_evidence(folder, read_reading(folder), n, to, clips=clip or (), people=_people(config, folder))
    typer.echo(str(to))


def help_command(
    *,
    camera: Annotated[
        str, typer.Option(help="Address of the counting table's camera (rtsp://…), or a film to try it.")
    ],
    style: Annotated[list[Path], typer.Option("--style", help="Folder of a ballot style, or of several.")],
    host: Annotated[str, typer.Option(help="Listen here.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Listen on this port; 0 takes a free one.")] = 8091,
) -> None:
    """Serve a page that tells whoever shows ballots what to do: closer, still, uncover, counted. Until Ctrl-C.

    Put it on a screen beside the counting table. It keeps nothing, and tells no choice.
    """
    styles = {name: loaded for given in style for name, loaded in load_styles(given).items()}
    guide = Guide(styles)
    try:
        listener = socket.create_server((host, port))
    except OSError as error:
        raise HelpPortError(f"{host}:{port}", problem=error.strerror or str(error)) from error
    feed = Feed(camera, guide, SystemClock())
    feed.start()
    err.print(f"http://{host}:{listener.getsockname()[1]}/", soft_wrap=True)
    config = uvicorn.Config(
        HelpPage(guide), interface="asgi3", lifespan="off", log_config=None, access_log=False, server_header=False,
        limit_concurrency=64, timeout_graceful_shutdown=1, ws="none",
    )  # fmt: skip
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        feed.stop()


def _read(orders: Sequence[Order], processes: int) -> list[tuple[Order, Count | AigaqError]]:
    with _progress() as tell:
        return list(read_films(orders, processes=processes, clock=SystemClock(), progress=tell))


@contextmanager
def _progress() -> Generator[Callable[[Progress], None]]:
    columns = (
        TextColumn("reading"),
        BarColumn(),
        TextColumn("{task.percentage:.0f} %"),
        TextColumn("{task.fields[left]}"),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0, left="")

        def tell(progress: Progress) -> None:
            left = (
                ""
                if progress.left_s is None
                else f"{round(progress.left_s) // 60} min {round(progress.left_s) % 60} s left"
            )
            bar.update(task, completed=progress.share, left=left)

        yield tell


def _told(order: Order, answer: Count | AigaqError, language: Language) -> dict[str, Any]:
    name = order.film.source.name
    if isinstance(answer, AigaqError):
        return {"film": name, "error": asdict(answer.explain())}
    path = order.out / f"report-{language}.html"
    told = Told(kept_styles(order.out, answer))
    path.write_text(report_html(order.out, answer, told, language=language), encoding="utf-8")
    return {"film": name, "folder": str(order.out), "report": str(path), **_summary(answer)}


def _summary(count: Count) -> dict[str, Any]:
    by_kind = {k.value: round(sum(g.to_s - g.from_s for g in count.gaps if g.kind is k), 1) for k in GapKind}
    return {
        "seconds": count.source.seconds,
        "presentations": len(count.readings),
        "repeats": sum(not r.counted for r in count.readings),
        **{o.value: sum(r.outcome is o for r in count.readings) for o in Outcome},
        "gap_seconds": by_kind,
        "advice": _advice(count),
    }


def _advice(count: Count) -> str:
    """Where nothing could be read: why that may be."""
    if not count.readings:
        return "no ballot was found: look whether the film shows the count, and at the gaps"
    if all(r.style is None for r in count.readings):
        return "no sheet fits the styles that were given: look whether they are those of this election"
    return ""


def _print_films(told: Sequence[dict[str, Any]]) -> None:
    read = [one for one in told if "error" not in one]
    if not read:
        return
    table = Table("film", "shown", "automatic", "flagged", "human", "again", "no ballot", "not seen", box=SIMPLE_HEAD)
    for one in read:
        gaps = one["gap_seconds"]
        dark = sum(gaps[k] for k in ("missing", "damaged", "looped"))
        numbers = [one[k] for k in ("presentations", "automatic", "flagged", "human", "repeats")]
        table.add_row(one["film"], *map(str, numbers), f"{gaps['activity']:.0f} s", f"{dark:.0f} s")
    out.print(table)
    for one in read:
        if one["advice"]:
            out.print(f"{one['film']}: {one['advice']}", markup=False)
        out.print(f"report: {one['report']}", markup=False, soft_wrap=True)


def _print_contest(one: Any) -> None:  # noqa: ANN401 - a ContestView
    out.print(f"\n{one.name}: {one.verdict_text}", markup=False)
    protocol = "" if one.claimed_ballots is None else f", {one.claimed_ballots} in the protocol"
    out.print(f"{one.shown} shown{protocol}, {len(one.open)} not settled; by machine {one.coverage}", markup=False)
    table = Table("choice", "machine", "people", "observed", "protocol", "difference", "ballots", box=SIMPLE_HEAD)
    for line in one.lines:
        claimed = "" if line.claimed is None else str(line.claimed)
        ballots = " ".join(b.name for b in line.ballots) if line.discrepancy else ""
        difference = "" if line.discrepancy is None else line.signed if line.discrepancy else "0"
        table.add_row(line.name, str(line.machine), str(line.people), line.observed, claimed, difference, ballots)
    out.print(table)


def _tally_json(one: ContestTally) -> dict[str, Any]:
    told = asdict(one)
    complete = one.completeness
    told["completeness"] |= {"whole": complete.whole, "unseen": complete.unseen, "surplus": complete.surplus}
    for line, values in zip(one.lines, told["lines"], strict=True):
        values |= {"low": line.low, "high": line.high, "discrepancy": one.discrepancy(line)}
    for name, share in (("coverage", one.coverage), ("audit", one.audit)):
        told[name]["interval"] = share.interval
    return told


def _claimed(protocol: Path | None, words: Sequence[str] | None) -> tuple[Claimed, ...]:
    return (*(read_claims(protocol) if protocol else ()), *claims_of(words or ()))


def _people(config: Path | None, folder: Path) -> tuple[PeopleReading, ...]:
    """What the people of a centre say of a count that lies in its folder."""
    if config is None:
        return ()
    settings = load_recount_settings(config)
    desk = Desk(settings.folder, settings, SystemClock())
    try:
        name = folder.resolve().name
        if name not in desk.counts or desk.counts[name].folder.resolve() != folder.resolve():
            raise NoCountError(str(folder), count=name)
        return desk.board.readings(name)
    finally:
        desk.close()


def _style_homes(given: Path) -> Iterator[Path]:
    """The folders of single styles below what was given."""
    styles: dict[str, LoadedStyle] = load_styles(given)
    for name in styles:
        home = given if (given / "style.toml").exists() else given / name
        if not home.is_dir():
            raise StyleMissingError(str(given), name=name)
        yield home.resolve()


def _names(films: Sequence[Film]) -> list[str]:
    """A folder's name for each film; films of the same name are numbered."""
    plain = ["-".join(Path(one.source.name).with_suffix("").parts) or "film" for one in films]
    return [name if plain.count(name) == 1 else f"{name}-{n}" for n, name in enumerate(plain, 1)]


def _language(text: str) -> Language:
    language = as_language(text)
    if language is None:
        raise typer.BadParameter("a language is kk, ru or en")
    return language


def _moment(text: str) -> int:
    at = parse_time(text, "UTC")
    if at is None:
        raise typer.BadParameter(f"{text!r} is no time; write 2026-03-15T20:00:00+05:00 or milliseconds")
    return at
