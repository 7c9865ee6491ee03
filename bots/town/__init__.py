"""An invented town, written as the import files that a billing system would send."""

from bots.town.writing import CODES_FILE, write_town

__all__ = ["CODES_FILE", "write_town"]
