"""Data in: reading, checking, the catalogue, and simulated data with known truth."""
