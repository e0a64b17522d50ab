"""The batch engine: plan, run, publish; it knows no statistics."""
