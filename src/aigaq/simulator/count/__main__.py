"""`python -m aigaq.simulator.count`: film a count from the command line."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress as Bar

from aigaq.base import AigaqError
from aigaq.election import BallotStyle
from aigaq.simulator.ballots import CONTESTS, make_style
from aigaq.simulator.count import PRESETS, CountPlan, render_count


def main(
    out: Annotated[Path, typer.Argument(help="Folder for film.mp4, truth.json and styles/.")],
    seed: Annotated[int, typer.Option(help="The same seed and plan make the same film.")] = 1,
    ballots: Annotated[int, typer.Option(help="How many ballots come out of the box.")] = 20,
    preset: Annotated[str, typer.Option(help=f"Conditions: {', '.join(PRESETS)}.")] = "560",
    contests: Annotated[
        str, typer.Option(help=f"Contests, each with `:choices` if other than usual: {', '.join(CONTESTS)}.")
    ] = "party-list,single-mandate,maslikhat-region,maslikhat-city",
    size: Annotated[str, typer.Option(help="Pixels, as 1920x1080.")] = "1920x1080",
    fps: Annotated[str, typer.Option(help="Frames per second, as 25 or 12.5; empty: the preset's.")] = "",
    cameras: Annotated[int, typer.Option(help="1, or 2 for a second view of the same table.")] = 1,
) -> None:
    """Film a count of ballots with known truth."""
    try:
        conditions = PRESETS[preset]
        wide, tall = (int(side) for side in size.split("x"))
        if fps:
            conditions = replace(conditions, fps=Fraction(fps))
        styles = tuple(_style(word) for word in contests.split(","))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise typer.BadParameter(str(error)) from error
    try:
        plan = CountPlan(seed, ballots, conditions, styles, width=wide, height=tall, cameras=cameras)
        with Bar() as bar:
            task = bar.add_task("Filming", total=1.0)
            films = render_count(plan, out, lambda share: bar.update(task, completed=share))
    except AigaqError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from error
    for film in films:
        typer.echo(f"{film.film}  {film.truth}")


def _style(word: str) -> BallotStyle:
    contest, _, count = word.partition(":")
    return make_style(contest, choices=int(count or 0))


if __name__ == "__main__":
    typer.run(main)
