"""Rooms, zones and units of measure in the resident's language, where billing calls them by usual names."""

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
_ZONES: Final[Mapping[str, str]] = {
    "день": "zone-day",
    "ночь": "zone-night",
    "пик": "zone-peak",
    "полупик": "zone-half-peak",
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


def zone_named(label: str, number: int) -> Phrase | str:
    """The zone that the meter calls *label*; without a label T1, T2 or T3."""
    key = _ZONES.get(label.casefold())
    return text(key) if key else label or f"Т{number}"


def unit_named(unit: str) -> Phrase | str:
    """The unit that billing calls *unit*."""
    key = _UNITS.get(unit)
    return text(key) if key else unit
