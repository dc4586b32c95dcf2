"""What can be wrong with a stream.

Each class is one decision for the caller. The same classes serve the recorder and the commissioning check, so a code
means the same in a log line, in a gap's detail and in a finding.

    CaptureError
    ├── BadAddressError
    ├── SourceUnavailableError      try again later
    │   ├── UnreachableError, NoAnswerError, CameraRefusedError, RedirectLoopError, MalformedError
    │   ├── ConnectionClosedError, SilentError
    │   └── SourceFailedError, SourceEndedError
    ├── UnauthorizedError, StreamNotFoundError, NoInterleavingError, NoVideoError, UnsupportedCodecError
    │                               somebody must act at the camera first
    ├── NoKeyFrameError, BadParameterSetsError, ClockSteppedError
    └── StreamFinding               recorded, but not as the contract wants it
"""

from aigaq.base import N_, AigaqError


class CaptureError(AigaqError):
    """Root of what can be wrong with a stream."""

    code = "capture.error"
    why = N_("The stream cannot be recorded.")
    hint = N_("Look at the log for the cause.")


class BadAddressError(CaptureError):
    """The stream's address cannot be used."""

    code = "capture.bad_address"
    why = N_("The stream address cannot be used: {problem}.")
    hint = N_("Write rtsp://host:port/path, rtmp://host:port/path or the path of a video file, without a password.")


class SourceUnavailableError(CaptureError):
    """The source gives no video now; trying again may help."""

    code = "capture.unavailable"
    why = N_("The source gives no video now.")
    hint = N_("The recorder tries again by itself.")


class UnreachableError(SourceUnavailableError):
    """No connection to the camera."""

    code = "capture.unreachable"
    why = N_("The camera cannot be reached: {problem}.")
    hint = N_("Check the camera's power and cable, its IP address and port, and that the box is in the same network.")


class ConnectionClosedError(SourceUnavailableError):
    """The camera closed the connection."""

    code = "capture.closed"
    why = N_("The camera closed the connection.")
    hint = N_("If it happens often, check how many connections the camera allows, its power and its cable.")


class NoAnswerError(SourceUnavailableError):
    """The camera did not answer a request in time."""

    code = "capture.no_answer"
    why = N_("The camera did not answer {method} within {seconds} s.")
    hint = N_("Restart the camera; if it stays so, update its firmware or use another stream address.")


class SilentError(SourceUnavailableError):
    """The connection stands but no video arrives."""

    code = "capture.silent"
    why = N_("The connection stands, but no video has arrived for {seconds} s.")
    hint = N_("Restart the camera; check whether another recorder takes all its streams.")


class CameraRefusedError(SourceUnavailableError):
    """The camera answered with an error."""

    code = "capture.refused"
    why = N_("The camera refused {method}: {status} {reason}.")
    hint = N_("Restart the camera and check how many connections it allows.")


class RedirectLoopError(SourceUnavailableError):
    """The camera sends from address to address."""

    code = "capture.redirect_loop"
    why = N_("The camera redirected {count} times.")
    hint = N_("Write the final stream address into the settings.")


class MalformedError(SourceUnavailableError):
    """What arrived is not RTSP."""

    code = "capture.malformed"
    why = N_("The answer is not RTSP: {problem}.")
    hint = N_("Check that the port is the camera's RTSP port (usually 554), not its web page.")


class SourceFailedError(SourceUnavailableError):
    """A file or a pushed stream cannot be read."""

    code = "capture.source_failed"
    why = N_("The source cannot be read: {problem}.")
    hint = N_("Check that the file or the pushed stream exists and holds H.264 or H.265 video.")


class SourceEndedError(SourceUnavailableError):
    """A file or a pushed stream is over."""

    code = "capture.source_ended"
    why = N_("The source has ended.")
    hint = N_("A file is played again from its start; a pushed stream is awaited again.")


class UnauthorizedError(CaptureError):
    """User name or password is wrong or missing."""

    code = "capture.unauthorized"
    why = N_("The camera does not accept the user name and password.")
    hint = N_(
        "Enter the camera's user name and password in the settings. After several failures it may lock for a while."
    )


class StreamNotFoundError(CaptureError):
    """The camera has no stream at that path."""

    code = "capture.stream_not_found"
    why = N_("The camera has no stream at this path ({status}).")
    hint = N_("Look up the stream path of this camera model, for example in its ONVIF settings.")


class NoInterleavingError(CaptureError):
    """The camera will not send RTP over TCP."""

    code = "capture.no_tcp"
    why = N_("The camera does not send video over TCP.")
    hint = N_("Switch RTP over RTSP (TCP) on in the camera's settings.")


class NoVideoError(CaptureError):
    """The stream has no video track."""

    code = "capture.no_video"
    why = N_("The stream has no video track.")
    hint = N_("Use the address of the video stream; switch the video on in the camera's settings.")


class UnsupportedCodecError(CaptureError):
    """The video is neither H.264 nor H.265."""

    code = "capture.unsupported_codec"
    why = N_("The video is {codec}; only H.264 and H.265 can be recorded.")
    hint = N_("Set the video codec to H.264 in the camera's settings.")


class NoKeyFrameError(CaptureError):
    """Video arrives but cannot be decoded from any point."""

    code = "capture.no_key_frame"
    why = N_("No key frame has arrived for {seconds} s.")
    hint = N_("Set the key frame interval to 1–2 s and switch the smart codec off.")


class BadParameterSetsError(CaptureError):
    """The picture's parameter sets are missing or wrong."""

    code = "capture.bad_parameter_sets"
    why = N_("The video's parameter sets (SPS, PPS) are unusable: {problem}.")
    hint = N_("Restart the camera or update its firmware; check its video settings.")


class ClockSteppedError(CaptureError):
    """The box's clock was set while recording."""

    code = "capture.clock_stepped"
    why = N_("The clock of the box was set by {milliseconds} ms.")
    hint = N_("Check that the box has a reliable time source (NTP).")


class StreamFinding(CaptureError):  # noqa: N818 - reported, never raised
    """The stream can be recorded, but it is not what the contract wants."""

    code = "capture.finding"
    why = N_("The stream differs from the contract.")
    hint = N_("Correct the camera's settings.")


class HasBFrames(StreamFinding):
    """Frames come out of order."""

    code = "capture.b_frames"
    why = N_("The video has B-frames: {share} of its frames come out of order.")
    hint = N_("Switch B-frames off, or choose the Baseline or Main profile without them.")


class LongGop(StreamFinding):
    """Key frames are too rare or irregular."""

    code = "capture.long_gop"
    why = N_("Key frames come up to {seconds} s apart; 2 s is the limit.")
    hint = N_("Set a fixed key frame interval of 1–2 s; switch the smart codec off (H.264+, Zipstream, dynamic GOP).")


class RateLie(StreamFinding):
    """The camera's media clock does not keep time."""

    code = "capture.rate_lie"
    why = N_("The camera's timestamps run {ppm} ppm off real time; 500 ppm is the limit.")
    hint = N_("Set a frame rate that the camera holds at night too; update its firmware. Frames are timed by arrival.")


class NoInBandParameterSets(StreamFinding):
    """Parameter sets come neither in the description nor in the stream."""

    code = "capture.no_parameter_sets"
    why = N_("No parameter sets (SPS, PPS) came with the key frames.")
    hint = N_("Nothing to do if the picture is right; a camera that repeats them with each key frame is safer.")


class AudioIgnored(StreamFinding):
    """The stream has sound, which is not recorded."""

    code = "capture.audio_ignored"
    why = N_("The stream has sound ({codec}), which is not recorded.")
    hint = N_("Switch the camera's audio off: polling stations are recorded without sound.")


class NotLiveInBrowsers(StreamFinding):
    """H.265 is recorded as is, but most browsers cannot play it."""

    code = "capture.hevc"
    why = N_("The video is H.265: it is recorded as it is, but most browsers cannot play it live.")
    hint = N_("Set the codec to H.264, at least for the sub-stream that the public watches.")


class PictureOffContract(StreamFinding):
    """Resolution or frame rate is far from the contract."""

    code = "capture.picture"
    why = N_("The picture is {width}×{height} at {fps} frames/s; the contract wants {wanted}.")
    hint = N_("Correct resolution and frame rate in the camera's settings.")


class BitRateOffContract(StreamFinding):
    """The bit rate is far from the contract."""

    code = "capture.bit_rate"
    why = N_("The stream has {kbps} kbit/s; the contract wants {wanted}.")
    hint = N_("Set a constant bit rate in the camera's settings.")


class CameraClockOff(StreamFinding):
    """The camera's own clock is wrong."""

    code = "capture.camera_clock"
    why = N_("The camera's clock is {seconds} s off the clock of the box.")
    hint = N_("Set the camera's time source (NTP) and time zone. Recording times come from the box and stay right.")


class PacketsLost(StreamFinding):
    """RTP packets were lost."""

    code = "capture.packets_lost"
    why = N_("{lost} of {total} RTP packets were lost.")
    hint = N_("Check cable, switch and wireless link between camera and box; lower the bit rate.")
