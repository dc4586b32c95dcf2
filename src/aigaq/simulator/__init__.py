"""An election day with known truth. Nothing of the product imports it but the demo."""

from aigaq.simulator.clock_strip import read_clock
from aigaq.simulator.scene import SceneError, SceneFiles, make_scenes

__all__ = ["SceneError", "SceneFiles", "make_scenes", "read_clock"]
