"""Loyalty over time: how long satisfaction goes on mattering."""
