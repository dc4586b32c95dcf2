"""From a film to readings: where ballots are shown, what is on them, how sure that is."""
