"""The page of a monitor: whether anything is wrong with the log, in words."""

from functools import partial
from pathlib import Path
from typing import Final

from aigaq.base import Language, from_ms, translate
from aigaq.ledger.monitor.follow import Monitor
from aigaq.ledger.witness import page_environment

_FOLDER: Final = Path(__file__).parent / "templates"


def render_page(monitor: Monitor, language: Language) -> bytes:
    """The page in one language."""
    status = monitor.status()
    alarms = [(alarm, from_ms(alarm.since_ms).strftime("%Y-%m-%d %H:%M:%S UTC")) for alarm in monitor.alarms()]
    page = page_environment(_FOLDER).get_template("monitor.html")
    said = page.render(_=partial(translate, language=language), language=language, status=status, alarms=alarms)
    return said.encode()
