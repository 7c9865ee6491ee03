"""The talks that a resident can have, one file a subject."""
