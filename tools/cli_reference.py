"""Writes `docs/reference/cli.md` from the commands themselves: `--write` renews it, without it the page is compared.

A test compares them too, so that the page cannot lag behind.
"""

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, cast

import typer
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption
from typer.main import get_command

from aigaq.app.cli import app

PAGE: Final = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
OPENING: Final = """# Commands

<!-- Written by `python tools/cli_reference.py --write` from the commands' own help. Edit that help, not this page. -->

Every command answers `--help`. Where there is `--json`, the answer stands on standard output as one JSON document;
progress, warnings and reasons stand on standard error. `aigaq --install-completion` teaches your shell the commands.

Reasons speak the language of `AIGAQ_LANG` (`kk`, `ru`, `en`), else that of the system's locale.
"""


def page(root: typer.Typer) -> str:
    """The whole page."""
    command = cast("TyperGroup", get_command(root))
    return "\n".join([OPENING, *_group(command, root.info.name or "aigaq")])


def _group(group: TyperGroup, path: str) -> Iterator[str]:
    if group.epilog:
        yield f"{_text(group.epilog)}\n"
    for name, command in group.commands.items():
        here = f"{path} {name}"
        if isinstance(command, TyperGroup):
            yield f"## `{here}`\n\n{_text(command.help)}\n"
            yield from _group(command, here)
        else:
            yield from _command(cast("TyperCommand", command), here, level=path.count(" ") + 2)


def _command(command: TyperCommand, path: str, *, level: int) -> Iterator[str]:
    arguments = [p for p in command.params if isinstance(p, TyperArgument)]
    options = [p for p in command.params if isinstance(p, TyperOption) and not p.hidden]
    usage = " ".join([path, *("[OPTIONS]" for _ in options[:1]), *map(_argument_name, arguments)])
    yield f"{'#' * level} `{path}`\n\n{_text(command.help)}\n\n```\n{usage}\n```\n"
    if command.params:
        rows = [*((_argument_name(a), a) for a in arguments), *((_option_name(o), o) for o in options)]
        yield "| | | Default |\n|---|---|---|"
        yield "\n".join(f"| `{name}` | {_cell(p.help)} | {_default(p)} |" for name, p in rows) + "\n"
    if command.epilog:
        yield f"{_text(command.epilog)}\n"


def _text(text: str | None) -> str:
    """Help as paragraphs: lines that were broken in the source are joined again."""
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(text or "").replace("\b", ""))
    return "\n\n".join(" ".join(p.split()) for p in paragraphs)


def _cell(text: str | None) -> str:
    return _text(text).replace("|", "\\|")


def _argument_name(argument: TyperArgument) -> str:
    name = (argument.metavar or argument.name or "").upper()
    return name if argument.required else f"[{name}]"


def _option_name(option: TyperOption) -> str:
    return " / ".join([*option.opts, *option.secondary_opts])


def _default(parameter: TyperArgument | TyperOption) -> str:
    default = parameter.default
    if isinstance(parameter.show_default, str):
        told = parameter.show_default
    elif parameter.required:
        told = "required"
    elif default is None or default is False or default == () or callable(default):
        told = ""
    else:
        told = f"`{getattr(default, 'value', default)}`"
    variables = [parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or []
    return ", ".join([*filter(None, [told]), *(f"`${name}`" for name in variables)])


def main(arguments: list[str]) -> int:
    """Write the page, or say that it differs."""
    wanted = page(app)
    if "--write" in arguments:
        PAGE.write_text(wanted, encoding="utf-8")
        return 0
    if PAGE.is_file() and PAGE.read_text(encoding="utf-8") == wanted:
        return 0
    print(f"{PAGE} is not what the commands say. Run: python tools/cli_reference.py --write", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
