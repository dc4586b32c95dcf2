"""Ballots read again from the film, by machine and by people. Gives readings and tallies, never a result."""
