"""The recount by people: who is asked about which ballot, what they said, what they agree on."""
