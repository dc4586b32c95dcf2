"""What can go wrong with a monitor itself. What it finds wrong with a log or a witness is an alarm, not an error.

```
MonitorError
├── TrustFileError    the trust file cannot be used, or names no log to follow
├── StateError        the state file is damaged, of another log, or in use
├── UnreachableError  an address does not answer
├── BadAnswerError    an address answers something else than it should
└── NotAForkError     a file that proves no fork:
        ForkFileError (not such a file) · UnknownLogKeyError (no key that is trusted)
```
"""

from aigaq.base import N_, AigaqError


class MonitorError(AigaqError):
    """Root of the monitor's errors."""

    code = "monitor.error"
    why = N_("The monitor could not do this.")
    hint = N_("Look at the log of the program for the cause.")


class TrustFileError(MonitorError):
    """The trust file cannot be used to follow a log."""

    code = "monitor.trust_file"
    why = N_("The trust file cannot be used: {problem}.")
    hint = N_("Get the trust file from someone whom you trust, and name the log's address with --log.")


class StateError(MonitorError):
    """What the monitor remembers cannot be used."""

    code = "monitor.state"
    why = N_("The monitor's state file cannot be used: {problem}.")
    hint = N_("Keep the file if it may hold evidence, and begin with a new one by --state; the log is read again.")


class UnreachableError(MonitorError):
    """No answer from an address."""

    code = "monitor.unreachable"
    why = N_("There is no answer from {url}: {reason}.")
    hint = N_("Check the address and your own connection; the monitor tries again by itself.")


class BadAnswerError(MonitorError):
    """An answer that is too long, or of another kind than the address promises."""

    code = "monitor.bad_answer"
    why = N_("The answer of {url} cannot be used: {reason}.")
    hint = N_("Check that the address is the log's or the witness's own, without a page in between.")


class NotAForkError(MonitorError):
    """Two notes that do not contradict each other."""

    code = "monitor.not_a_fork"
    why = N_("This file does not prove a fork: {problem}.")
    hint = N_("Ask whoever gave it to you for the file as the monitor wrote it.")


class ForkFileError(NotAForkError):
    """Not a fork proof at all."""

    code = "monitor.fork_file"
    why = N_("This is not a fork proof: {problem}.")


class UnknownLogKeyError(NotAForkError):
    """The two notes are not by a key that the reader trusts."""

    code = "monitor.unknown_key"
    why = N_("The two checkpoints are not both signed by a key that you trust as the key of {origin}.")
    hint = N_("Use the trust file of this election; for a station's log give its key with --key.")
