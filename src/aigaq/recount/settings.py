"""Settings of the recount in a centre: `[recount]` of `center.toml`."""

from pathlib import Path
from typing import ClassVar

from pydantic import ConfigDict

from aigaq.base import Settings, load_settings
from aigaq.recount.people.settings import PeopleSettings


class RecountSettings(PeopleSettings):
    """All of `[recount]`."""

    folder: Path = Path("recount")
    """Ballot styles and reading folders of this election."""
    edit: bool = False
    """Whether the editor of ballot styles is served, to this machine alone: there are no accounts yet."""


class RecountFile(Settings):
    """The part of `center.toml` that is the recount's; the centre checks the rest."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="ignore")

    recount: RecountSettings = RecountSettings()


def load_recount_settings(path: Path) -> RecountSettings:
    """Read the section of a `center.toml`, its folder relative to the file.

    Raises:
        SettingsError: all wrong keys at once.
    """
    found = load_settings(RecountFile, path).recount
    return found.model_copy(update={"folder": path.parent / found.folder})
