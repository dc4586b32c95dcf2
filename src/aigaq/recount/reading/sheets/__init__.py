"""From the sightings of one held ballot to a straight, fused sheet, its boxes and the first reader's ink."""

from aigaq.recount.reading.sheets.model import BoxSight, SheetReading
from aigaq.recount.reading.sheets.sheet import read_sheet

__all__ = ["BoxSight", "SheetReading", "read_sheet"]
