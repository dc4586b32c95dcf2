"""Reading folders as a faultless reader would write them, from a film's truth. For tests alone."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from aigaq.recount.files import Pictures, write_reading
from aigaq.recount.model import BoxReading, Count, Frame, Gap, GapKind, Maker, Outcome, Reading, Source, Why

WHY: Final = {
    "form": Why.FORM,
    "endorsement": Why.ENDORSEMENT,
    "several": Why.SEVERAL,
    "outside": Why.OUTSIDE,
    "none": Why.NONE,
}
CORNERS: Final = ((100.0, 50.0), (300.0, 52.0), (298.0, 330.0), (98.0, 331.0))


def folder_of_truth(truth: Mapping[str, Any], folder: Path) -> Count:
    """Write the folder; returns what it holds."""
    count = count_of_truth(truth)
    write_reading(folder, count, pictures)
    return count


def count_of_truth(truth: Mapping[str, Any]) -> Count:
    """What can be known of a film, known."""
    film = truth["film"]
    return Count(
        Source(film["file"], hashlib.sha256(repr(truth["seed"]).encode()).hexdigest(), film["frames"] / film["fps"],
               film["width"], film["height"]),
        Maker("truth", hashlib.sha256(b"truth").hexdigest(), dict.fromkeys(truth["styles"], "0" * 64)),
        tuple(_reading(one) for one in truth["presentations"]),
        tuple(Gap(a["from_s"], a["to_s"], GapKind.ACTIVITY) for a in truth["activity"] if a["what"] == "tidying"),
    )  # fmt: skip


def _reading(one: Mapping[str, Any]) -> Reading:
    why = tuple(_why(one))
    flagged = why and why[0] in WHY.values()
    outcome = Outcome.FLAGGED if flagged else Outcome.HUMAN if why else Outcome.AUTOMATIC
    marked = {m["choice"] for m in one["marks"]}
    known = one["style"] is not None and one["best"] is not None
    boxes = tuple(
        BoxReading(b["choice"], b["fused_share"], 0.2 if b["choice"] in marked else 0.0, float(b["choice"] in marked))
        for b in one["boxes"]
    )
    return Reading(
        n=one["n"] + 1,
        from_s=one["from_s"],
        to_s=one["to_s"],
        style=one["style"] if known else None,
        outcome=outcome,
        choice=None if why else one["valid_choice"],
        why=why,
        upside_down=one["upside_down"],
        endorsed=one["endorsed"] if known else None,
        same_as=None if one["same_as"] is None else one["same_as"] + 1,
        boxes=boxes if known else (),
        frames=(Frame(one["best"]["at_s"], CORNERS),) if known else (),
    )


def _why(one: Mapping[str, Any]) -> list[Why]:
    if one["style"] is None:
        return [Why.UNKNOWN_SHEET]
    if one["best"] is None:
        return [Why.BACK_ONLY]
    if one["beneath"] is not None:
        return [Why.SECOND_SHEET]
    found = [WHY[one["invalid"]]] if one["invalid"] else []
    return found + ([Why.HIDDEN] if one["hidden"] else [])


def pictures(reading: Reading) -> Pictures:
    """Small drawings in place of film: a white sheet with a cross in each marked box."""
    frame = np.full((120, 160, 3), 90 + reading.n % 100, np.uint8)
    cv2.rectangle(frame, (50, 10), (110, 100), (240, 240, 240), -1)
    sheet = np.full((297, 210), 235, np.uint8)
    boxes: dict[str, bytes] = {}
    for row, box in enumerate(reading.boxes):
        crop = np.full((48, 48), 235, np.uint8)
        cv2.rectangle(crop, (10, 10), (38, 38), 60, 1)
        if box.marked > 0.5:
            cv2.line(crop, (12, 12), (36, 36), 30, 3)
            cv2.line(crop, (12, 36), (36, 12), 30, 3)
        top = 40 + row * 16
        sheet[top : top + 12, 190:202] = cv2.resize(crop[10:39, 10:39], (12, 12))
        boxes[box.choice] = _png(crop)
    jpeg = cv2.imencode(".jpg", frame)[1].tobytes()
    return Pictures((jpeg,) * min(len(reading.frames), 3), _png(sheet) if boxes else None, boxes)


def _png(picture: NDArray[np.uint8]) -> bytes:
    return cv2.imencode(".png", picture)[1].tobytes()


def truth(*shown: str | None, styles: tuple[str, ...] = ("party-list",), choices: int = 3) -> dict[str, Any]:
    """A film's truth in short: each word is the valid choice's number, or why the ballot is invalid, or `back`,
    `other`, `hidden`; `2=0` shows ballot 0 again, whose choice is 2; a word may begin with `style:`.
    """
    return {
        "format": 1,
        "seed": 1,
        "film": {"file": "film.mp4", "width": 1920, "height": 1080, "fps": 25.0, "frames": 100 * (len(shown) + 1)},
        "styles": list(styles),
        "presentations": [_shown(n, word or "none", styles[0], choices) for n, word in enumerate(shown)],
        "activity": [],
    }


def _shown(n: int, word: str, style: str, choices: int) -> dict[str, Any]:
    named, _, rest = word.rpartition(":")
    rest, _, again = rest.partition("=")
    valid = f"choice-{rest}" if rest.isdigit() else "choice-1" if rest == "hidden" else None
    marks = {"several": ["choice-1", "choice-2"], "outside": [None]}.get(rest, [valid] if valid else [])
    boxes = [
        {"choice": f"choice-{k}", "visible_share": 1.0, "fused_share": 0.5 if rest == "hidden" and k == 2 else 1.0}
        for k in range(1, choices + 1)
    ]
    return {
        "n": n,
        "style": None if rest == "other" else named or style,
        "from_s": 4.0 * n + 0.5,
        "to_s": 4.0 * n + 3.5,
        "shown": "back" if rest == "back" else "front",
        "upside_down": False,
        "same_as": int(again) if again else None,
        "form": "established",
        "marks": [{"choice": m} for m in marks],
        "endorsed": rest != "endorsement",
        "valid_choice": valid,
        "invalid": rest if rest in WHY else None,
        "beneath": None,
        "best": None if rest in {"back", "other"} else {"frame": 0, "at_s": 4.0 * n + 2},
        "boxes": boxes,
        "hidden": ["choice-2"] if rest == "hidden" else [],
    }
