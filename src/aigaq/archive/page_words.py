"""The words of the archive's pages for the register's and the records' own terms. It decides nothing."""

from collections.abc import Mapping
from typing import Final

from aigaq.archive.model import CameraState
from aigaq.base import N_, Language, translate
from aigaq.election import StationKind, Zone
from aigaq_verify import GapCause
from aigaq_verify import Kind as LeafKind

ZONES: Final[Mapping[Zone, str]] = {
    Zone.ISSUING_DESK: N_("Ballot issuing desk"),
    Zone.BALLOT_BOX: N_("Ballot box"),
    Zone.BOOTH_ENTRANCE: N_("Entrance to the booths"),
    Zone.OBSERVER_AREA: N_("Observers' seats"),
    Zone.COUNTING_TABLE: N_("Counting table"),
}
KINDS: Final[Mapping[StationKind, str]] = {
    StationKind.ORDINARY: N_("Ordinary"),
    StationKind.HOSPITAL: N_("In a hospital"),
    StationKind.DETENTION: N_("In a place of detention"),
    StationKind.MILITARY: N_("In a military unit"),
    StationKind.ABROAD: N_("Abroad"),
}
CAUSES: Final[Mapping[GapCause, str]] = {
    GapCause.NO_CONNECT: N_("the camera could not be reached"),
    GapCause.NO_RTP: N_("the camera sent no video"),
    GapCause.RTP_LOSS: N_("video was lost on the way from the camera"),
    GapCause.NO_IDR: N_("the camera sent no complete picture"),
    GapCause.DISK_FULL: N_("the station's disk was full"),
    GapCause.RESTART: N_("the recorder was restarted"),
    GapCause.CLOCK_STEP: N_("the station's clock was set"),
    GapCause.OPERATOR: N_("stopped by the operator"),
    GapCause.OFF_DUTY: N_("the camera was off duty"),
}
STATES: Final[Mapping[CameraState, str]] = {
    CameraState.LIVE: N_("live"),
    CameraState.STALE: N_("silent, no reason given"),
    CameraState.GAP: N_("gap"),
    CameraState.OFF: N_("off duty"),
    CameraState.NEVER: N_("nothing received yet"),
}
LOOKS: Final[Mapping[str, str]] = {
    "recorded": N_("Recorded and sealed"),
    "pending": N_("Recorded, seal on its way"),
    "gap": N_("Gap signed by the station"),
    "absence": N_("Nobody heard the station; the centre signed it"),
    "missing": N_("Not yet received by the centre"),
    "off": N_("Off duty"),
    "future": N_("Still to come"),
}
LEAVES: Final[Mapping[LeafKind, str]] = {
    LeafKind.ENROLMENT: N_("enrolment of a station's box"),
    LeafKind.DELEGATION: N_("session key of a station"),
    LeafKind.STATION_CHECKPOINT: N_("seal of a station"),
    LeafKind.ABSENCE: N_("silence of a station"),
    LeafKind.DERIVATION: N_("something derived from footage"),
    LeafKind.OPERATOR_ACTION: N_("act of an operator"),
    LeafKind.PURGE: N_("deletion"),
    LeafKind.CHALLENGE: N_("reading of a blinking patch"),
    LeafKind.REVOCATION: N_("revocation of a key"),
    LeafKind.CLOSE: N_("end of a station's log"),
}
WAIT: Final = N_("not cosigned by the witnesses yet: wait about 20 s, or the verdict is UNWITNESSED")
ALONE: Final = N_("the log has no witnesses: the verdict is UNWITNESSED")
SCRIPT: Final[Mapping[str, str]] = {
    "slider_value": N_("{time}, {state}"),
    "until": N_("until {time}"),
    "play": N_("Play"),
    "pause": N_("Pause"),
    "live_behind": N_("Live, {seconds} s ago"),
    "link_copied": N_("Link copied: it opens this camera at this moment."),
    "player_offline": N_("No connection to the centre. Trying again every few seconds."),
    "player_unsupported": N_(
        "This browser cannot play the video. The clip below can be downloaded and played elsewhere."
    ),
    "clip_choose": N_("Choose the beginning and the end of the clip."),
    "clip_backwards": N_("The end must be after the beginning."),
    "clip_future": N_("The end lies in the future."),
    "clip_empty": N_("This camera has no footage in that time."),
    "clip_whole": N_("Length {length}, without a gap"),
    "clip_with_gaps": N_("Length {length}, of which {missing} have no footage; the clip tells the reason"),
}


def told(texts: Mapping[str, str], language: Language) -> dict[str, str]:
    """All texts of a table in that language."""
    return {str(key): translate(text, language) for key, text in texts.items()}


def script_words(language: Language) -> dict[str, object]:
    """What the scripts of the station page may have to say."""
    causes = {cause.value: translate(text, language) for cause, text in CAUSES.items()}
    return {**told(SCRIPT, language), "looks": told(LOOKS, language), "causes": causes}
