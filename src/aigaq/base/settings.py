"""Settings come from one TOML file, checked by a pydantic model; a mistake names the file and the key."""

import tomllib
from pathlib import Path
from typing import ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from aigaq.base.errors import AigaqError
from aigaq.base.i18n import N_


class Settings(BaseModel):
    """Base of all settings: frozen, and a key that it does not know is an error, not silently ignored."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="forbid")


class SettingsError(AigaqError):
    """A settings file is missing, is not TOML, or has a wrong value."""

    code = "base.settings"
    why = N_("The settings cannot be used: {problem}.")
    hint = N_("Correct the named key; the reference page on settings lists every key with an example.")


S = TypeVar("S", bound=Settings)


def load_settings(model: type[S], path: Path) -> S:
    """Read and check a settings file.

    Raises:
        SettingsError: all wrong keys at once.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        return model.model_validate(data)
    except ValidationError as error:
        found = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise SettingsError(str(path), problem=found) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(str(path), problem=str(error)) from error
