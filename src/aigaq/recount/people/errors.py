"""What can go wrong where people read ballots.

AigaqError
└── PeopleError             AnswersNotKept, QuestionGone, BadAnswer, TooFast, WrongCode, ForeignForm, NoCount, NoFilm
"""

from http import HTTPStatus
from typing import ClassVar

from aigaq.base import N_, AigaqError


class PeopleError(AigaqError):
    """Root of what can be wrong where people read ballots."""

    code = "recount.people"
    http_status: ClassVar[int] = HTTPStatus.BAD_REQUEST


class AnswersNotKeptError(PeopleError):
    """The database did not take it, or cannot be used."""

    code = "recount.answers_not_kept"
    why = N_("The answers of people cannot be kept: {problem}.")
    hint = N_("Nothing was counted. See that the database runs and the disk has room, then try again.")
    http_status = HTTPStatus.SERVICE_UNAVAILABLE


class QuestionGoneError(PeopleError):
    """No such question was put to this viewer."""

    code = "recount.question_gone"
    why = N_("This question was not put to you, or too long ago.")
    hint = N_("Open the page of reading again: it puts the next question to you.")
    http_status = HTTPStatus.NOT_FOUND


class BadAnswerError(PeopleError):
    """No answer to this question."""

    code = "recount.bad_answer"
    why = N_("“{text}” is no answer to this question.")
    hint = N_("Choose one of the answers on the page; a ruling also needs a reason of 5 to 500 letters.")


class TooFastError(PeopleError):
    """More than a person can read."""

    code = "recount.too_fast"
    why = N_("More came from you, or from your network, than people can read.")
    hint = N_("Wait a minute. What was answered before is kept.")
    http_status = HTTPStatus.TOO_MANY_REQUESTS


class WrongCodeError(PeopleError):
    """No such access code."""

    code = "recount.wrong_code"
    why = N_("This access code is not known.")
    hint = N_("Type it as you were given it, or ask the operator of the centre.")
    http_status = HTTPStatus.FORBIDDEN


class ForeignFormError(PeopleError):
    """A form that did not come from our page in this browser."""

    code = "recount.foreign_form"
    why = N_("This form was not sent from our page, or your browser did not send the page's cookie.")
    hint = N_("Allow cookies for this site, open the page again, and send the form from there.")
    http_status = HTTPStatus.FORBIDDEN


class TooLongError(PeopleError):
    """A form that is too long, or no form."""

    code = "recount.too_long"
    why = N_("The form is longer than {limit} bytes, or it is no form.")
    hint = N_("Send the form of the page as it is.")
    http_status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE


class NoCountError(PeopleError):
    """No count of this name."""

    code = "recount.no_count"
    why = N_("There is no count {count}.")
    hint = N_("Choose one from the list of counts.")
    http_status = HTTPStatus.NOT_FOUND


class NoFilmError(PeopleError):
    """No film that may be shown."""

    code = "recount.no_film"
    why = N_("There is no film of this count here, or it is not shown to everyone.")
    hint = N_("Choose another count, or enter your access code first.")
    http_status = HTTPStatus.NOT_FOUND
