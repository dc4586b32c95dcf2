"""Settings come from one TOML file, checked by a pydantic model; a mistake names the file and the key."""

import tomllib
from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import ClassVar, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

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
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))  # some editors begin a file with a byte order mark
        return model.model_validate(data)
    except ValidationError as error:
        raise SettingsError(str(path), problem="; ".join(_told(model, e) for e in error.errors())) from error
    except RecursionError as error:
        raise SettingsError(str(path), problem="nested too deeply") from error
    except (OSError, ValueError) as error:  # not there, not UTF-8, not TOML
        raise SettingsError(str(path), problem=str(error)) from error


def _told(model: type[BaseModel], error: ErrorDetails) -> str:
    """The key and what is wrong with it; never the value, which may be a password."""
    key = ".".join(map(str, error["loc"]))
    if error["type"] != "extra_forbidden":
        return f"{key}: {error['msg']}"
    near = get_close_matches(str(error["loc"][-1]), _keys(model, error["loc"][:-1]), n=1)
    return f"{key}: no such key" + (f", perhaps {near[0]}" if near else "")


def _keys(model: type[BaseModel], table: tuple[int | str, ...]) -> list[str]:
    """The keys of the table at this place; of tables inside lists and options, the model that they hold."""
    for step in table:
        if isinstance(step, str) and step in model.model_fields:
            model = next(_models(model.model_fields[step].annotation), model)
    return list(model.model_fields)


def _models(annotation: object) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models(inner)
