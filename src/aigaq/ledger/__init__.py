"""The log of a station: append-only, signed, checkable by anyone."""
