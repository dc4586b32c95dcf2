"""Composition roots and the command line. Decides nothing."""
