"""Rooms and units of measure in the resident's language, where billing calls them by usual names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.messages import Phrase, text

_PLACES: Final[Mapping[str, str]] = {
    "кухня": "place-kitchen",
    "ванная": "place-bath",
    "санузел": "place-bathroom",
    "туалет": "place-toilet",
    "коридор": "place-corridor",
    "прихожая": "place-hall",
}
_UNITS: Final[Mapping[str, str]] = {
    "м³": "unit-cubic-metre",
    "м²": "unit-square-metre",
    "кВт·ч": "unit-kilowatt-hour",
    "Гкал": "unit-gigacalorie",
}


def place_named(place: str) -> Phrase | str:
    """The room that billing calls *place*."""
    key = _PLACES.get(place.casefold())
    return text(key) if key else place


def unit_named(unit: str) -> Phrase | str:
    """The unit that billing calls *unit*."""
    key = _UNITS.get(unit)
    return text(key) if key else unit
