"""What can go wrong at the box, and how it says so. Alarms are errors that are kept in health instead of raised.

```
StationError
├── cannot start   JournalLockedError JournalForeignError JournalDamagedError JournalBehindError NoSpaceError
│                  AlreadySetUpError NotRunningError OpticalPortError
├── cannot go on   DiskFailedError
├── upload         CenterUnreachableError NotEnrolledError CameraUnknownError CenterRefusedError CenterAheadError
│                  FootageDamagedError EnrolmentEndsError
├── beacon         NoBeaconError BeaconForkError
└── alarms         StreamDownError StreamLossyError CameraClockOffError DiskLowError DiskFullError ClockUnsyncedError
                   BacklogError RecoveryError
```
"""

from aigaq.base import N_, AigaqError


class StationError(AigaqError):
    """Root of the station's errors."""

    code = "station.error"
    why = N_("The box could not do this.")
    hint = N_("Look at the log of the box for the cause.")


class JournalLockedError(StationError):
    """Two agents on one journal."""

    code = "station.journal_locked"
    why = N_("Another agent (process {pid}) already records into this data folder.")
    hint = N_("Stop the other agent, or give this one its own data folder and station id.")


class JournalForeignError(StationError):
    """The journal belongs to another election, station or key."""

    code = "station.journal_foreign"
    why = N_("The journal in this data folder was begun with {field} {found}, but the settings say {expected}.")
    hint = N_("Use one data folder for each election, station and key; footage in this one stays as it is.")


class JournalDamagedError(StationError):
    """The journal cannot be read or breaks its own rules."""

    code = "station.journal_damaged"
    why = N_("The journal cannot be used: {problem}.")
    hint = N_("Keep the data folder as evidence, run `aigaq station fsck`, and start with a new data folder and key.")


class JournalBehindError(StationError):
    """The log has signed more rows than the journal holds."""

    code = "station.journal_behind"
    why = N_("The station log holds {log} rows, the journal only {journal}: the journal was lost or set back.")
    hint = N_("Restore the newest journal. Going on would sign a second history; with a new data folder use a new key.")


class NoSpaceError(StationError):
    """Not enough disk to start duty."""

    code = "station.no_space"
    why = N_("The disk has room for {hours} hours of footage, and {needed} hours are asked for before duty may start.")
    hint = N_("Free or add disk space, or lower limits.min_free_hours if the duty is shorter.")


class DiskFailedError(StationError):
    """The disk refuses even the journal."""

    code = "station.disk_failed"
    why = N_("The disk does not take the journal any more: {problem}.")
    hint = N_("Free disk space or replace the disk, then start the agent again; what is sealed is kept.")


class AlreadySetUpError(StationError):
    """A file that `init` would write exists."""

    code = "station.already_set_up"
    why = N_("This folder already holds {file}.")
    hint = N_("Nothing was changed. Choose an empty folder; a key is never overwritten.")


class NotRunningError(StationError):
    """There is no fresh status."""

    code = "station.not_running"
    why = N_("No agent reports from this data folder.")
    hint = N_("Start it with `aigaq station run`, and look at its log if it stopped by itself.")


class CenterUnreachableError(StationError):
    """No answer, or one that says to try again."""

    code = "station.center_unreachable"
    why = N_("The centre does not take uploads now: {problem}.")
    hint = N_("Recording goes on and everything is sent later by itself; check the uplink if this lasts.")


class NotEnrolledError(StationError):
    """The centre does not accept this key for this station."""

    code = "station.not_enrolled"
    why = N_("The centre does not accept this box: {problem}.")
    hint = N_("Bring `station.csr` to the commission, and put its answer, enrolment.cbor, into the data folder.")


class EnrolmentEndsError(StationError):
    """The enrolment is about to end."""

    code = "station.enrolment_ends"
    why = N_("The enrolment of this box ends in {hours} hours.")
    hint = N_("Have `station.csr` enrolled again, and replace enrolment.cbor in the data folder; recording goes on.")


class NoBeaconError(StationError):
    """There is no fresh witnessed checkpoint."""

    code = "station.no_beacon"
    why = N_("The newest witnessed checkpoint that the box holds is old, or there is none: {problem}.")
    hint = N_("Recording goes on; until there is a newer one, footage proves less well when it was made.")


class BeaconForkError(StationError):
    """The national log showed this box two histories."""

    code = "station.beacon_fork"
    why = N_("The national log showed this box two histories of one size; the proof is in {file}.")
    hint = N_("Give the file to a witness or to the press; `aigaq monitor check-fork` checks it without a network.")


class OpticalPortError(StationError):
    """The page with the blinking patch cannot be served."""

    code = "station.optical_port"
    why = N_("The page with the blinking patch cannot be served there: {problem}.")
    hint = N_("Choose another address or port in [optical] of station.toml; recording does not need it.")


class CameraUnknownError(StationError):
    """The register of the centre has no such camera."""

    code = "station.camera_unknown"
    why = N_("The centre's register has no camera {camera} at this station.")
    hint = N_("Correct the camera id here or the register there; footage is kept and sent afterwards.")


class CenterRefusedError(StationError):
    """A final refusal of one request."""

    code = "station.center_refused"
    why = N_("The centre refused {what}: {problem}.")
    hint = N_("The footage is kept here. Solve the cause; a restarted agent offers what was refused once more.")


class CenterAheadError(StationError):
    """The centre holds more of our log than we do."""

    code = "station.center_ahead"
    why = N_("The centre holds {center} rows of this station's log, the box only {station}.")
    hint = N_("A second box uses this key, or the data folder was set back to an older copy. Stop and find out which.")


class FootageDamagedError(StationError):
    """A file no longer has its hash."""

    code = "station.footage_damaged"
    why = N_("The file {file} is missing or no longer has the size and hash in its record.")
    hint = N_("The disk is failing or the file was changed. Run `aigaq station fsck` and copy the data folder away.")


class StreamDownError(StationError):
    """No footage now."""

    code = "station.stream_down"
    why = N_("There is no footage now, because of {cause}.")
    hint = N_("Check power, cable and settings of the camera; `aigaq station check` says more.")


class StreamLossyError(StationError):
    """Many packets are lost."""

    code = "station.stream_lossy"
    why = N_("{lost} packets were lost in the last minute.")
    hint = N_("Check the cable and the switch, and that the camera's bit rate fits the network.")


class CameraClockOffError(StationError):
    """The camera's own clock is far off."""

    code = "station.camera_clock_off"
    why = N_("The camera's clock differs from the box's clock by {offset} seconds.")
    hint = N_("Let the camera take its time from the box (NTP). Footage is timed by the box and is not affected.")


class DiskLowError(StationError):
    """Little disk left."""

    code = "station.disk_low"
    why = N_("The disk has room for only {hours} more hours of footage.")
    hint = N_("Free or add disk space soon; footage that cannot be written becomes a signed gap.")


class DiskFullError(StationError):
    """Footage is being lost for want of disk."""

    code = "station.disk_full"
    why = N_("The disk does not take footage now: {problem}.")
    hint = N_("Free disk space at once, or replace a slow or failing disk; recording resumes by itself.")


class ClockUnsyncedError(StationError):
    """The box's clock follows no time source."""

    code = "station.clock_unsynced"
    why = N_("The box's clock is not synchronised.")
    hint = N_("Let the box reach a time server (chrony or systemd-timesyncd); until then segments are marked.")


class BacklogError(StationError):
    """Live footage waits."""

    code = "station.backlog"
    why = N_("The oldest footage that waits for upload is {seconds} seconds old.")
    hint = N_("The uplink is too slow or down; nothing is lost, the rest is sent when there is room.")


class RecoveryError(StationError):
    """Something at start did not fit."""

    code = "station.recovery"
    why = N_("After the last stop something did not fit: {problem}.")
    hint = N_("The file was set aside, nothing was deleted. Run `aigaq station fsck`.")
