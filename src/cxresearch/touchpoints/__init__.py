"""Touchpoints: where a unit stands among its peers."""
