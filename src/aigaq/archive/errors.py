"""What the archive refuses, and how it says so. Each error carries the HTTP status with which a request is answered.

```
ArchiveError
├── refused uploads    BadRequestError NotEnrolledError WrongSignatureError UnknownStationError UnknownCameraError
│                      WrongElectionError NotARecordError NotASegmentError NotAnInitError HashMismatchError
│                      TruncatedError OversizeError InitUnknownError
├── kept alarms        ConflictError BrokenChainError
├── try again          DiskFullError StoreFailedError BusyError
├── reading            NotFoundError BadTimeError BadIntervalError BeforeBeginningError NothingReceivedError
│                      NotLiveError
├── clips              NotSealedYetError NotReceivedYetError TooLongError MixedCodecsError CannotDecodeError
├── alarms             PatchSilentError PatchWrongError
└── operator           BadPolicyError ForeignFolderError FolderInUseError NoArchiveError SettingsExistError
                       CenterRefusedError
```
"""

from typing import ClassVar

from aigaq.base import N_, AigaqError


class ArchiveError(AigaqError):
    """Root of the archive's errors."""

    code = "archive.error"
    why = N_("The archive could not do this.")
    hint = N_("Look at the centre's log for the cause.")
    http_status: ClassVar[int] = 500


class BadRequestError(ArchiveError):
    """A request without what it needs."""

    code = "archive.bad_request"
    why = N_("The request cannot be read: {problem}.")
    hint = N_("Compare it with the HTTP reference page of the archive.")
    http_status = 400


class NotEnrolledError(ArchiveError):
    """No key counts for this station now."""

    code = "archive.not_enrolled"
    why = N_("No key counts for station {station} now: it is not enrolled, or its session key has not been delegated.")
    hint = N_("Enrol the box as the guide for operators says; an enrolled box brings its session key by itself.")
    http_status = 403


class WrongSignatureError(ArchiveError):
    """Not signed by a session key of the station that counts now."""

    code = "archive.wrong_signature"
    why = N_("The request is not signed by a key that counts for station {station} now.")
    hint = N_("Check the clock of the box and its enrolment, and that nothing changes requests on the way.")
    http_status = 401


class UnknownStationError(ArchiveError):
    """The register has no such station."""

    code = "archive.unknown_station"
    why = N_("The register has no polling station {station}.")
    hint = N_("Check the station id; the register is shown by `aigaq election show`.")
    http_status = 404


class UnknownCameraError(ArchiveError):
    """The station has no such camera."""

    code = "archive.unknown_camera"
    why = N_("Polling station {station} has no camera {camera} in the register.")
    hint = N_("Check the camera id; if it is right, add it to cameras.csv and import the register again.")
    http_status = 404


class WrongElectionError(ArchiveError):
    """A record of another election or station."""

    code = "archive.wrong_election"
    why = N_("The record belongs to {found}, this request may only bring {expected}.")
    hint = N_("Check the election and station id in the settings of the box.")
    http_status = 422


class NotARecordError(ArchiveError):
    """Bytes that do not decode strictly."""

    code = "archive.not_a_record"
    why = N_("The bytes are not a record in canonical form: {problem}.")
    hint = N_("Records follow the formats reference page; nothing else is accepted.")
    http_status = 422


class NotASegmentError(ArchiveError):
    """Bytes that are not the segment which the record describes."""

    code = "archive.not_a_segment"
    why = N_("The body is not a segment that fits its record: {problem}.")
    hint = N_(
        "A segment starts with moof and mdat boxes, and its decode time agrees with the record within one second."
    )
    http_status = 422


class NotAnInitError(ArchiveError):
    """Bytes that are not an initialisation segment."""

    code = "archive.not_an_init"
    why = N_("The body is not an initialisation segment: {problem}.")
    hint = N_("An initialisation segment holds ftyp and moov boxes with one video track.")
    http_status = 422


class HashMismatchError(ArchiveError):
    """The bytes do not have the hash that was signed."""

    code = "archive.hash_mismatch"
    why = N_("The body does not have the SHA-256 that was signed; it was damaged on the way or at the station.")
    hint = N_("Send it again; if it is refused again, check the disk of the box with `aigaq station fsck`.")
    http_status = 422


class TruncatedError(ArchiveError):
    """Fewer bytes than announced."""

    code = "archive.truncated"
    why = N_("The body ended after {got} of {expected} bytes.")
    hint = N_("Send it again.")
    http_status = 400


class OversizeError(ArchiveError):
    """More bytes than allowed."""

    code = "archive.oversize"
    why = N_("The body is larger than the {limit} bytes that are allowed here.")
    hint = N_("Check what is sent; the HTTP reference page names every limit.")
    http_status = 413


class InitUnknownError(ArchiveError):
    """The segment's init has not been sent."""

    code = "archive.init_unknown"
    why = N_("The initialisation segment {init} has not been received.")
    hint = N_("Send the initialisation segment first, then this segment again.")
    http_status = 428


class ConflictError(ArchiveError):
    """Another record already has this place in the stream."""

    code = "archive.conflict"
    why = N_("Number {seq} of this stream was already received with other content; the first one stays.")
    hint = N_(
        "Two boxes may use one key, or a journal was restored from a copy. An alarm is kept; find out before going on."
    )
    http_status = 409


class BrokenChainError(ArchiveError):
    """The record does not continue its neighbours."""

    code = "archive.broken_chain"
    why = N_("Record {seq} does not name the hash of its neighbour in the stream.")
    hint = N_("The journal of the box was changed or restored. An alarm is kept; check it with `aigaq station fsck`.")
    http_status = 409


class DiskFullError(ArchiveError):
    """No room for more footage."""

    code = "archive.disk_full"
    why = N_("The archive's disk is full ({free} bytes free).")
    hint = N_("Add space to the archive's disk. Boxes keep their footage and send it again by themselves.")
    http_status = 507


class StoreFailedError(ArchiveError):
    """The disk or the database failed; nothing was acknowledged."""

    code = "archive.store_failed"
    why = N_("The archive could not store this: {problem}.")
    hint = N_("Boxes keep their footage and send it again by themselves; check the disk of the centre.")
    http_status = 503


class BusyError(ArchiveError):
    """More uploads at once than the archive takes."""

    code = "archive.busy"
    why = N_("The archive receives more than it can store at this moment.")
    hint = N_("Nothing is lost; boxes send it again by themselves.")
    http_status = 503


class NotFoundError(ArchiveError):
    """Nothing has this name."""

    code = "archive.not_found"
    why = N_("The archive has nothing with this name.")
    hint = N_("Check the address.")
    http_status = 404


class BadTimeError(ArchiveError):
    """A time is missing or cannot be read."""

    code = "archive.bad_time"
    why = N_("The beginning or the end of the interval is missing or is not a time.")
    hint = N_("Give both as milliseconds since 1970 UTC or like 2026-03-15T10:42:07.")
    http_status = 400


class BadIntervalError(ArchiveError):
    """From is not before to."""

    code = "archive.bad_interval"
    why = N_("The interval ends before it begins.")
    hint = N_("Choose an end that is later than the beginning.")
    http_status = 400


class BeforeBeginningError(ArchiveError):
    """The interval begins before the stream does."""

    code = "archive.before_beginning"
    why = N_("The recording of this camera begins only at {begin}.")
    hint = N_("Choose a beginning that is not earlier.")
    http_status = 400


class NothingReceivedError(ArchiveError):
    """No footage there."""

    code = "archive.nothing_received"
    why = N_("The archive has no footage for this camera and time.")
    hint = N_("Look at the timeline for the time that is recorded.")
    http_status = 404


class NotLiveError(ArchiveError):
    """No live parts come in."""

    code = "archive.not_live"
    why = N_("The station sends no live parts of this camera now.")
    hint = N_("Watch the ordinary live stream instead; it is some seconds later.")
    http_status = 404


class NotSealedYetError(ArchiveError):
    """The newest records are not in the station's log yet."""

    code = "archive.not_sealed_yet"
    why = N_("The end of the interval is not sealed by the station yet: {pending} of {total} records wait.")
    hint = N_("Stations seal every 10 seconds; try again shortly, or choose an earlier end.")
    http_status = 409


class NotReceivedYetError(ArchiveError):
    """Footage of the interval is still at the station."""

    code = "archive.not_received_yet"
    why = N_("{seconds} s of the interval have not arrived from the station yet.")
    hint = N_("Try later, or choose another interval or the other stream.")
    http_status = 409


class TooLongError(ArchiveError):
    """More than one answer may hold."""

    code = "archive.too_long"
    why = N_("The interval is longer than the {limit} minutes allowed here.")
    hint = N_("Split it into shorter intervals.")
    http_status = 413


class MixedCodecsError(ArchiveError):
    """The camera changed its picture inside the interval."""

    code = "archive.mixed_codecs"
    why = N_("The camera changed its codec or picture size inside the interval, so one plain mp4 cannot hold it.")
    hint = N_("Split the interval at the change, or download the clip with proofs, which holds everything.")
    http_status = 409


class CannotDecodeError(ArchiveError):
    """No picture could be made."""

    code = "archive.cannot_decode"
    why = N_("No picture could be made from this footage: {problem}.")
    hint = N_("The footage itself is kept unchanged; download the clip to look at it.")
    http_status = 422


class BadPolicyError(ArchiveError):
    """The centre's trust file cannot be used."""

    code = "archive.bad_policy"
    why = N_("The trust file cannot be used: {problem}.")
    hint = N_("Correct the named line; the reference page on formats shows a trust file.")


class PatchSilentError(ArchiveError):
    """A blinking patch that answered before is not seen any more."""

    code = "archive.patch_silent"
    why = N_("The blinking patch of camera {camera} has stopped answering.")
    hint = N_("Call the precinct: is the screen on and in view? If it is, the picture may not be live.")


class PatchWrongError(ArchiveError):
    """A blinking patch shows other bits than it should."""

    code = "archive.patch_wrong"
    why = N_("The blinking patch of camera {camera} shows other bits than it should: {wrong} of 60 are wrong.")
    hint = N_("Look at this camera at once: the picture may be a recording.")


class BackDatedError(ArchiveError):
    """A record claims a time before the checkpoint that stands in it was witnessed."""

    code = "archive.back_dated"
    why = N_("A recording claims to be older than the checkpoint of the log that it was sealed with.")
    hint = N_(
        "Find out whether the box's clock is wrong or somebody seals with its keys; clips of it are judged FAILED."
    )


class MaskRemovedError(ArchiveError):
    """A camera shows what its mask has to cover."""

    code = "archive.mask_removed"
    why = N_("Camera {camera} shows what must be covered: mask {masks} is not there.")
    hint = N_("Have the camera turned away or switched off at once; the secrecy of the vote is at stake.")


class FactsError(ArchiveError):
    """The file of a station's facts is not what was approved."""

    code = "archive.facts"
    why = N_("The facts of this station cannot be used: {problem}.")
    hint = N_("Put the file there that two officers approved when the box was enrolled.")


class ForeignFolderError(ArchiveError):
    """The data folder belongs to another election."""

    code = "archive.foreign_folder"
    why = N_("The archive folder belongs to election {found}, not to {expected}.")
    hint = N_("Use one archive folder for each election.")


class FolderInUseError(ArchiveError):
    """Another centre runs on this folder."""

    code = "archive.folder_in_use"
    why = N_("Another centre is running on this archive folder.")
    hint = N_("Stop it first, or start this one on another folder.")


class NoArchiveError(ArchiveError):
    """The folder holds no archive."""

    code = "archive.no_archive"
    why = N_("There is no archive in this folder.")
    hint = N_("Check `data` in the settings of the centre; the archive begins when the centre is run first.")


class SettingsExistError(ArchiveError):
    """A centre was set up here before."""

    code = "archive.settings_exist"
    why = N_("The settings of a centre are here already; they are left as they are.")
    hint = N_("Edit that file, or choose another folder.")


class CenterRefusedError(ArchiveError):
    """The centre asked over HTTP said no."""

    code = "archive.center_refused"
    why = N_("The centre refused with HTTP status {status}: {problem}")
    hint = N_("Do what the centre's answer says, or check the address.")
