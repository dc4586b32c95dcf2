"""What can go wrong before a farm serves: the video, the port, a fault's name or value, a camera's name."""

from aigaq.base import N_, AigaqError


class FarmVideoError(AigaqError):
    """The video cannot be served as a camera."""

    code = "capture.farm_video"
    why = N_("This video cannot be served as a camera: {problem}.")
    hint = N_("Give a file with an H.264 or H.265 track that ffprobe reads; the farm does not transcode.")


class FarmPortError(AigaqError):
    """The farm cannot listen where it was told to."""

    code = "capture.farm_port"
    why = N_("The camera farm cannot listen there: {problem}.")
    hint = N_("Choose another port, or 0 for a free one.")


class FarmFaultError(AigaqError):
    """A fault is not known, has a wrong value, or does not fit the video."""

    code = "capture.farm_fault"
    why = N_("This fault cannot be played: {problem}.")
    hint = N_("The reference page on the camera farm lists every fault with its values.")


class FarmCameraError(AigaqError):
    """A camera's name is unknown, taken, or cannot stand in an address."""

    code = "capture.farm_camera"
    why = N_("There is no such camera, or it cannot be added: {problem}.")
    hint = N_("Names are letters, digits, `-`, `_`, `.` and `/`, each used once.")
