"""Reading the trust file that a monitor follows."""

from pathlib import Path

from aigaq.base import N_
from aigaq.ledger.monitor.errors import TrustFileError
from aigaq.ledger.monitor.sources import Target
from aigaq_verify import Policy, PolicyError, parse_policy


def load_policy(path: Path) -> Policy:
    """Read a trust file.

    Raises:
        TrustFileError: it cannot be read, or its quorum could be split.
    """
    try:
        return parse_policy(path.read_bytes())
    except OSError as error:
        raise TrustFileError(str(path), problem=N_("it is missing, or this program may not read it")) from error
    except PolicyError as error:
        raise TrustFileError(str(path), problem=str(error)) from error


def target_of(policy: Policy, url: str | None) -> Target:
    """The log to follow: the one that the file names.

    Raises:
        TrustFileError: none or several logs, or no address.
    """
    origins = {key.name for key in policy.logs}
    if len(origins) != 1:
        raise TrustFileError(problem=N_("it does not name exactly one log"))
    address = url or next((policy.urls[key] for key in policy.logs if key in policy.urls), None)
    if address is None:
        raise TrustFileError(problem=N_("it does not say where the log is"))
    return Target(policy.logs[0].name, address.rstrip("/"), policy)
