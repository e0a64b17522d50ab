"""The two numbers every analysis shares unless it is told otherwise."""

from typing import Final

CONFIDENCE: Final = 0.95
"""Coverage probability of every interval."""

SEED: Final = 20080
"""Seed of every random step."""
