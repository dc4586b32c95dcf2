"""The five film sets: what each zone of a polling station looks like, and who moves in it through one minute."""

from collections.abc import Callable
from typing import Final

from aigaq.election import Zone
from aigaq.simulator.sets.ballot_box import ballot_box
from aigaq.simulator.sets.booth_entrance import booth_entrance
from aigaq.simulator.sets.counting_table import counting_table
from aigaq.simulator.sets.issuing_desk import issuing_desk
from aigaq.simulator.sets.observer_area import observer_area
from aigaq.simulator.sets.stage import LOOP, Stage, caption

SETS: Final[dict[Zone, Callable[[], Stage]]] = {
    Zone.ISSUING_DESK: issuing_desk,
    Zone.BALLOT_BOX: ballot_box,
    Zone.BOOTH_ENTRANCE: booth_entrance,
    Zone.OBSERVER_AREA: observer_area,
    Zone.COUNTING_TABLE: counting_table,
}

__all__ = ["LOOP", "SETS", "Stage", "caption"]
