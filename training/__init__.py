"""Trains the second reader of ballots on the renderer's stills. Not installed, not imported by the product."""
