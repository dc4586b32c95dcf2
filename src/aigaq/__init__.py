"""Aigaq: open video evidence for elections."""
