"""Ballot styles as folders: made from a blank, checked, kept per election."""
