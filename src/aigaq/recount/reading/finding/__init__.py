"""From a film to its presentations: where a sheet is held up, which style it is, and its best sightings."""

from aigaq.recount.reading.finding.finder import Finder, Shown, presentations

__all__ = ["Finder", "Shown", "presentations"]
