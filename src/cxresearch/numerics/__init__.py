"""Methods with no customer in them: arrays in, arrays out; nothing of ours is imported here."""
