"""`aigaq recount`: the commands of the recount."""

import typer

from aigaq.recount import run_cli
from aigaq.recount.style_cli import style_app

recount_app = typer.Typer(
    name="recount", help="The recount: every ballot shown to the camera is read again.", no_args_is_help=True
)
recount_app.add_typer(style_app)
recount_app.command()(run_cli.fetch)
recount_app.command()(run_cli.run)
recount_app.command()(run_cli.report)
recount_app.command("tally")(run_cli.tally_command)
recount_app.command()(run_cli.evidence)
recount_app.command("help")(run_cli.help_command)
