"""What can keep the demo from starting or going on."""

from aigaq.base import N_, AigaqError


class DemoError(AigaqError):
    """Root of the demo's errors."""


class PortTakenError(DemoError):
    """The demo's address belongs to another program."""

    code = "app.port_taken"
    why = N_("Port {port} of this machine is taken by another program.")
    hint = N_("Choose another one: aigaq demo --port {other}.")


class DemoRunsError(DemoError):
    """Another demo uses the folder."""

    code = "app.demo_runs"
    why = N_("A demo already runs in this folder.")
    hint = N_("Stop it with Ctrl-C, or give this one a folder of its own: aigaq demo --folder DIR --port PORT.")


class PartStoppedError(DemoError):
    """The centre or a box ended by itself."""

    code = "app.part_stopped"
    why = N_("{part} stopped by itself with exit code {exit_code}. Its last words: {words}")
    hint = N_("The whole log is in the named file. `aigaq doctor` may tell what this machine lacks.")
