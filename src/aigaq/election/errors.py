"""What can go wrong with a register, as errors a caller can act on.

AigaqError
├── RegisterError           the source files hold mistakes: all of them, in `problems`
├── NoRegisterError         nothing was imported there
├── RegisterDamagedError    the stored register is not what was imported
├── NotSavedError           the disk did not take the files
├── FolderInUseError        a folder that would be overwritten
└── UnknownStationError · UnknownTerritoryError · UnknownCameraError
"""

from dataclasses import replace
from typing import Final

from aigaq.base import N_, AigaqError, Explanation, Language
from aigaq.election.problems import Problem, condense

TOLD_IN_FULL: Final = 1000
"""Lines of mistakes in an error's own text; `problems` holds all of them."""


class RegisterError(AigaqError):
    """The source files hold mistakes. Nothing was imported; `problems` names each, warnings included."""

    code = "election.refused"
    why = N_("The register was not imported. Mistakes in its files: {mistakes}.")
    hint = N_("Correct the named cells and import again; nothing that was imported before has changed.")

    def __init__(self, where: str, problems: tuple[Problem, ...]) -> None:
        super().__init__(where, mistakes=sum(not p.reason.warning for p in problems))
        self.problems = problems

    def explain(self, language: Language = "en") -> Explanation:
        """The error with every mistake, a line for each kind of them."""
        said = super().explain(language)
        lines = condense((p for p in self.problems if not p.reason.warning), language)
        more = [f"… +{len(lines) - TOLD_IN_FULL}"] if len(lines) > TOLD_IN_FULL else []
        return replace(said, why="\n".join([*lines[:TOLD_IN_FULL], *more, said.why]))


class NoRegisterError(AigaqError):
    """A folder that holds neither an imported register nor its source files."""

    code = "election.no_register"
    why = N_("There is no register in this folder.")
    hint = N_("Write an example with `aigaq election template DIR`, fill it in, then `aigaq election import DIR`.")


class RegisterDamagedError(AigaqError):
    """The stored register fails its own checksum or form."""

    code = "election.damaged"
    why = N_("The stored register is not what was imported: {problem}.")
    hint = N_("Import it again from its source files; never edit the stored file by hand.")


class NotSavedError(AigaqError):
    """The disk did not take the files; what was there before is still there."""

    code = "election.not_saved"
    why = N_("The files could not be written: {problem}.")
    hint = N_("Check free space and the rights of the folder; what was there before has not changed.")


class FolderInUseError(AigaqError):
    """Files stand where the template or the import would write."""

    code = "election.folder_in_use"
    why = N_("The folder already holds {name}, which would be overwritten.")
    hint = N_("Choose another folder.")


class UnknownStationError(AigaqError):
    """No polling station has this identifier."""

    code = "election.unknown_station"
    why = N_("The register knows no polling station “{id}”.")
    hint = N_("Look it up in the station list; `aigaq election show` prints the identifiers.")


class UnknownTerritoryError(AigaqError):
    """No territory has this identifier."""

    code = "election.unknown_territory"
    why = N_("The register knows no territory “{id}”.")
    hint = N_("Look it up in the station list; `aigaq election show` prints the identifiers.")


class UnknownCameraError(AigaqError):
    """The polling station has no camera with this identifier."""

    code = "election.unknown_camera"
    why = N_("Polling station “{station}” has no camera “{id}”.")
    hint = N_("Look it up on the page of the station; `aigaq election show` prints the identifiers.")
