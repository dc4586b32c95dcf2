"""A monitor: follows a log and its witnesses, reads every leaf, and proves a fork in one file that anyone can check."""

from aigaq.ledger.monitor.alarms import Alarm, Raised
from aigaq.ledger.monitor.errors import (
    BadAnswerError,
    ForkFileError,
    MonitorError,
    NotAForkError,
    StateError,
    TrustFileError,
    UnknownLogKeyError,
    UnreachableError,
)
from aigaq.ledger.monitor.follow import Monitor
from aigaq.ledger.monitor.fork_proof import ForkProof, make_fork_proof
from aigaq.ledger.monitor.remote import Fetch, HttpFetch
from aigaq.ledger.monitor.sources import Target

__all__ = [
    "Alarm",
    "BadAnswerError",
    "Fetch",
    "ForkFileError",
    "ForkProof",
    "HttpFetch",
    "Monitor",
    "MonitorError",
    "NotAForkError",
    "Raised",
    "StateError",
    "Target",
    "TrustFileError",
    "UnknownLogKeyError",
    "UnreachableError",
    "make_fork_proof",
]
