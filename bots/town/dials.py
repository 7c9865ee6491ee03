"""The meters of the invented town: what stands in whose flat, and how fast they turn."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from random import Random
from typing import Final, NamedTuple

from bots.town.places import Household
from core.messages import Month

KITCHEN: Final = "кухня"
BATHROOM: Final = "санузел"
HALL: Final = "прихожая"
METERED_WATER: Final = 0.85
TWO_ZONES: Final = 0.25
SMART: Final = 0.1
EXPIRED: Final = 0.05

# Brand, model, digits before and after the point, years between verifications, first and last day of the
# window in which readings are taken.
MODELS: Final = {
    "cold_water": ("Сура", "СВК-15Х", 5, 3, 6, 15, 25),
    "hot_water_water": ("Сура", "СВК-15Г", 5, 3, 4, 15, 25),
    "electricity": ("Искра", "ЭС-201", 6, 1, 16, 20, 25),
    "gas": ("Факел", "ГБ-4", 5, 3, 10, 18, 25),
}


@dataclass(frozen=True, slots=True)
class Dial:
    """A meter: *starts* is what its registers showed before the first month, *monthly* their usual use."""

    id: str
    service: str
    place: str
    serial: str
    labels: tuple[str, ...]
    verified_on: date
    due_on: date
    smart: bool
    starts: tuple[int, ...]
    monthly: tuple[int, ...]

    def counts_in(self, month: Month) -> bool:
        """Whether its verification holds, so that its readings count."""
        return self.due_on >= month.first_day


def dials_of(rng: Random, home: Household, last: Month) -> list[Dial]:
    """The meters of a household, the last billed month being *last*."""
    plan = [*_water(rng, home), *_electricity(rng, home), *_gas(home)]
    return [_dial(rng, home, last, number, planned) for number, planned in enumerate(plan, start=1)]


class _Plan(NamedTuple):
    service: str
    place: str
    labels: tuple[str, ...]
    monthly: tuple[int, ...]


def _water(rng: Random, home: Household) -> Iterator[_Plan]:
    if home.house.private:
        yield _Plan("cold_water", "", (), (5 * home.people,))
        return
    if not home.showcase and rng.random() > METERED_WATER:
        return
    both = home.index == 0 or (not home.showcase and rng.random() < 0.6)
    for place, share in ((KITCHEN, 1), (BATHROOM, 2)) if both else ((BATHROOM, 3),):
        yield _Plan("cold_water", place, (), (1 + share * home.people,))
        yield _Plan("hot_water_water", place, (), (share * home.people,))


def _electricity(rng: Random, home: Household) -> Iterator[_Plan]:
    use = 60 + 45 * home.people
    zoned = rng.random() < TWO_ZONES
    if home.index == 1 or (not home.showcase and zoned):
        yield _Plan("electricity", HALL, ("день", "ночь"), (use * 3 // 4, use // 4))
    else:
        yield _Plan("electricity", HALL, (), (use,))


def _gas(home: Household) -> Iterator[_Plan]:
    if home.house.private:
        yield _Plan("gas", KITCHEN, (), (120 + 12 * home.people,))
    elif home.house.gas:
        yield _Plan("gas", KITCHEN, (), (8 * home.people,))


def _dial(rng: Random, home: Household, last: Month, number: int, planned: _Plan) -> Dial:
    service, place, labels, monthly = planned
    years = MODELS[service][4]
    expired = not home.showcase and rng.random() < EXPIRED
    # Verified when it was put in; the verification ended some months ago, or will in some months.
    months_left = -rng.randrange(1, 9) if expired else rng.randrange(4, 12 * years - 14)
    due = last.plus(months_left)
    verified = due.plus(-12 * years)
    day = rng.randrange(1, 28)
    age = max(1, 12 * years - months_left - 13)
    return Dial(
        id=f"M{home.index + 1:06d}{number}",
        service=service,
        place=place,
        serial=f"{verified.year % 100:02d}{rng.randrange(10_000_000):07d}",
        labels=labels,
        verified_on=date(verified.year, verified.month, day),
        due_on=date(due.year, due.month, day),
        smart=service == "electricity" and not home.showcase and rng.random() < SMART,
        starts=tuple(use * age + rng.randrange(use) for use in monthly),
        monthly=monthly,
    )


def used(rng: Random, dial: Dial, month: Month) -> tuple[int, ...]:
    """What the registers turned in a month: more in winter where it lights or heats."""
    cold = month.month in {11, 12, 1, 2, 3}
    season = {"electricity": 115, "gas": 190 if dial.monthly[0] > 100 else 100}.get(dial.service, 100)
    percent = (season if cold else 100) * rng.randrange(70, 131) // 100
    return tuple(use * percent // 100 for use in dial.monthly)


def meter_row(dial: Dial, account: str) -> tuple[str, ...]:
    """A meter as a row of the file `meters`; its last readings are in the files `readings`."""
    brand, model, digits, fraction, _, opens, closes = MODELS[dial.service]
    verified = dial.verified_on.isoformat()
    return (
        dial.id,
        account,
        dial.service,
        dial.serial,
        brand,
        model,
        dial.place,
        str(len(dial.monthly)),
        ",".join(dial.labels),
        str(digits),
        str(fraction),
        "0",
        "1",
        verified,
        verified,
        verified,
        dial.due_on.isoformat(),
        f"П{dial.serial}",
        "1" if dial.smart else "0",
        "",
        "",
        "",
        "",
        "",
        str(opens),
        str(closes),
    )
