"""What can go wrong with a recount, as errors a caller can act on.

AigaqError
├── StyleMissingError       no ballot style there
├── StyleError              a ballot style holds mistakes: all of them, in `problems`
├── StyleNotSavedError      the disk did not take one
├── BlankError              a blank that is no picture; BlankPages, BlankSize: what a person must tell of it
├── SheetsError             several sheets in one picture
├── BoxesNotFoundError      no boxes on a blank
├── ChoicesError            names that do not fit
├── EditorClosedError       the editor is asked from another machine
├── StyleFormError          what was sent is not the editor's form
├── FilmError               film: Missing, Unreadable, NoVideo, Empty
└── FolderError             reading folder: Missing, Unfinished, Wrong, Picture, InUse, NotWritten
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aigaq.base import N_, AigaqError, Explanation, Language, fill


@dataclass(frozen=True, slots=True)
class StyleProblem:
    """A mistake at its key, as `choices[2].box_mm`. `why` is a message id, filled from the facts."""

    key: str
    why: str
    facts: Mapping[str, object] = field(default_factory=dict[str, object])

    def text(self, language: Language = "en") -> str:
        """The mistake in the reader's language."""
        return fill(self.why, language, self.facts)

    def line(self, language: Language = "en") -> str:
        """The mistake with its key before it."""
        return f"{self.key}: {self.text(language)}"


class StyleMissingError(AigaqError):
    """A folder that holds no ballot style, or no file of one."""

    code = "recount.style_missing"
    why = N_("There is no ballot style here: {name} is missing.")
    hint = N_("Make one from a blank with `aigaq recount style make`, or name the folder that holds style.toml.")
    http_status = 404


class StyleError(AigaqError):
    """A ballot style that cannot be used; `problems` names each mistake."""

    code = "recount.style_refused"
    why = N_("The ballot style cannot be used. Mistakes: {mistakes}.")
    hint = N_("Correct them in style.toml or in the editor, or make the style anew from its blank.")

    def __init__(self, where: str, problems: tuple[StyleProblem, ...]) -> None:
        super().__init__(where, mistakes=len(problems))
        self.problems = problems

    def explain(self, language: Language = "en") -> Explanation:
        """The error with a line for every mistake."""
        said = super().explain(language)
        return replace(said, why="\n".join([*(p.line(language) for p in self.problems), said.why]))


class FolderError(AigaqError):
    """Root of what can be wrong with a reading folder."""

    code = "recount.folder"
    why = N_("The reading folder cannot be used.")
    hint = N_("Read the film again into a new folder.")


class FolderMissingError(FolderError):
    """No reading folder there."""

    code = "recount.folder_missing"
    why = N_("There is no reading folder here.")
    hint = N_("Name the folder that `aigaq recount run` wrote.")


class FolderUnfinishedError(FolderError):
    """A folder without its `reading.json`."""

    code = "recount.folder_unfinished"
    why = N_("The reading in this folder was stopped before its end.")
    hint = N_("Run `aigaq recount run` again with the same words: it goes on where it stopped.")


class FolderWrongError(FolderError):
    """A `reading.json` that contradicts its format or itself."""

    code = "recount.folder_wrong"
    why = N_("The reading folder contradicts itself: {problem}.")
    hint = N_("Do not edit reading.json; read the film again into a new folder.")


class FolderPictureError(FolderError):
    """A picture that a reading must have is not there."""

    code = "recount.folder_picture"
    why = N_("A picture of a ballot is missing.")
    hint = N_("Copy the folder whole, or read the film again into a new folder.")


class FolderInUseError(FolderError):
    """A folder that holds something else."""

    code = "recount.folder_in_use"
    why = N_("The folder already holds something else.")
    hint = N_("Name a new folder.")


class FolderNotWrittenError(FolderError):
    """The disk did not take it."""

    code = "recount.folder_not_written"
    why = N_("The reading folder cannot be written: {problem}.")
    hint = N_("Make room on the disk, or name another folder.")


class FilmError(AigaqError):
    """Root of what can be wrong with a film."""

    code = "recount.film"
    why = N_("The film cannot be read.")
    hint = N_("Play it; if no player can, get another copy of it.")


class FilmMissingError(FilmError):
    """No such file, or it may not be read."""

    code = "recount.film_missing"
    why = N_("The film cannot be opened: {problem}.")
    hint = N_("Name a film that is there and that you may read.")


class FilmUnreadableError(FilmError):
    """Empty, cut in its head, or no film."""

    code = "recount.film_unreadable"
    why = N_("This is no film, or it is damaged at its beginning: {problem}.")
    hint = N_("Play it; if no player can, get another copy of it.")


class FilmNoVideoError(FilmError):
    """A container without pictures of a usable size."""

    code = "recount.film_no_video"
    why = N_("The file has no video between 64 and 8192 pixels wide and high.")
    hint = N_("Name the file that holds the camera's pictures.")


class FilmEmptyError(FilmError):
    """Not one picture could be decoded."""

    code = "recount.film_empty"
    why = N_("Not one picture of the film can be decoded.")
    hint = N_("Get another copy of the film, or footage of another time.")


class FilmClipError(FilmError):
    """A clip with proofs that does not hold what its records say, or clips that are not of one stream."""

    code = "recount.film_clip"
    why = N_("The clip cannot be read: {problem}.")
    hint = N_("Judge it with `aigaq verify`, and export it again; name clips of one camera and stream, in one order.")


class BlankError(AigaqError):
    """A blank that cannot be opened: no picture, damaged, locked, or larger than any blank."""

    code = "recount.style_blank"
    why = N_("The blank cannot be used: {problem}.")
    hint = N_("Give a scan or a photo of one unmarked ballot as PNG, JPEG or TIFF, or the printer's PDF.")


class BlankPagesError(AigaqError):
    """A blank of several pages, and nobody said which."""

    code = "recount.style_pages"
    why = N_("The file has {pages} pages, and only the front of one ballot makes a style.")
    hint = N_("Name the page with `--page`, from 1 to {pages}.")


class BlankSizeError(AigaqError):
    """The size of the paper is neither told by the file nor by its shape."""

    code = "recount.style_size"
    why = N_("The size of the paper is not known: {problem}.")
    hint = N_("Measure the sheet and give `--size`, for example A4 or 210x297 (mm); crop a scan to the sheet's edges.")


class SheetsError(AigaqError):
    """A scan or photo with other than one sheet on it."""

    code = "recount.style_sheets"
    why = N_("There are {sheets} sheets in the picture, and a style is made from one.")
    hint = N_("Scan or photograph one unmarked ballot alone.")


class BoxesNotFoundError(AigaqError):
    """No column of empty boxes was found on the blank."""

    code = "recount.style_boxes"
    why = N_("Empty boxes found on the blank: {boxes}; a ballot has at least 2.")
    hint = N_("Give a sharper scan of an unmarked ballot, at 200 dpi or more, or `--draw` them and use the editor.")


class ChoicesError(AigaqError):
    """The list of choices does not fit the blank, or cannot be read."""

    code = "recount.style_choices"
    why = N_("The list of choices cannot be used: {problem}.")
    hint = N_("Give CSV in UTF-8 with the columns kk, ru, en and one row for each box, in the order on the ballot.")


class StyleNotSavedError(AigaqError):
    """The disk did not take a ballot style; what was there before is still there."""

    code = "recount.style_not_saved"
    why = N_("The ballot style could not be written: {problem}.")
    hint = N_("Check free space and the rights of the folder; what was there before has not changed.")


class ClaimsError(AigaqError):
    """Figures of a protocol that cannot be used."""

    code = "recount.claims"
    why = N_("The figures of the protocol cannot be used: {problem}.")
    hint = N_("Compare them with the example in the reference page on the recount.")


class EditorClosedError(AigaqError):
    """Somebody asks for the editor from elsewhere than this machine."""

    code = "recount.style_editor_closed"
    why = N_("The editor of ballot styles answers only a browser on the same machine.")
    hint = N_("Edit on that machine, or copy the styles to your own and run `aigaq recount style edit`.")
    http_status = 403


class StyleFormError(AigaqError):
    """What was sent is not the editor's form."""

    code = "recount.style_form"
    why = N_("The form cannot be read.")
    hint = N_("Open the page anew and try again.")
    http_status = 400


class NoBallotError(AigaqError):
    """A number that no presentation has."""

    code = "recount.no_ballot"
    why = N_("The count has no presentation {n}; it has {many}.")
    hint = N_("Take a number from the report.")


class CenterAnswerError(AigaqError):
    """A centre that could not be reached, or that says no."""

    code = "recount.center"
    why = N_("The centre gives no clip: {problem}.")
    hint = N_("Check the address, the station, the camera and the times; what is not sealed yet can be had later.")


class HelpPortError(AigaqError):
    """The address of the live help is taken or not ours."""

    code = "recount.help_port"
    why = N_("The page cannot be served at this address: {problem}.")
    hint = N_("Stop what listens there, or name another --port.")
