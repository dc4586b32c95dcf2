"""A witness: cosigns the national log's checkpoints if they extend what it saw before (c2sp.org/tlog-witness).

A small program of its own, run by a party, a newspaper, an observer group. It knows keys, one SQLite file and HTTP;
no video, no archive, no leaf.
"""

from aigaq.ledger.witness.asgi import App, Receive, Scope, Send, answer, reader_language, serve, until_signal
from aigaq.ledger.witness.errors import (
    ContradictionError,
    InconsistentError,
    ListenError,
    MalformedError,
    NotSignedError,
    RefusedError,
    StaleError,
    TooLargeError,
    UnknownLogError,
    WitnessBusyError,
    WitnessDiskError,
    WitnessError,
    WitnessExistsError,
    WitnessLostError,
    WitnessRolledBackError,
)
from aigaq.ledger.witness.http import create_app, origin_hash
from aigaq.ledger.witness.keys import WitnessKeys
from aigaq.ledger.witness.page import HTML, PAGE_HEADERS, page_environment
from aigaq.ledger.witness.service import Witness
from aigaq.ledger.witness.settings import WitnessSettings, parse_listen
from aigaq.ledger.witness.setup import init_witness, policy_lines
from aigaq.ledger.witness.store import Held, Refused, WitnessStore

__all__ = [
    "HTML",
    "PAGE_HEADERS",
    "App",
    "ContradictionError",
    "Held",
    "InconsistentError",
    "ListenError",
    "MalformedError",
    "NotSignedError",
    "Receive",
    "Refused",
    "RefusedError",
    "Scope",
    "Send",
    "StaleError",
    "TooLargeError",
    "UnknownLogError",
    "Witness",
    "WitnessBusyError",
    "WitnessDiskError",
    "WitnessError",
    "WitnessExistsError",
    "WitnessKeys",
    "WitnessLostError",
    "WitnessRolledBackError",
    "WitnessSettings",
    "WitnessStore",
    "answer",
    "create_app",
    "init_witness",
    "origin_hash",
    "page_environment",
    "parse_listen",
    "policy_lines",
    "reader_language",
    "serve",
    "until_signal",
]
