"""The houses of the invented town, and who lives in them."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import count
from random import Random
from typing import Final

from bots.town.prices import MANAGERS

TOWN: Final = "Заречинск"
STREETS: Final = (
    "ул. Сурская",
    "ул. Кленовая",
    "ул. Заводская",
    "ул. Яблоневая",
    "ул. Речная",
    "ул. Полевая",
    "ул. Мастеровая",
    "ул. Озёрная",
    "ул. Луговая",
    "ул. Часовая",
    "ул. Парковая",
    "ул. Строителей",
    "ул. Рябиновая",
    "ул. Лесная",
    "ул. Родниковая",
    "ул. Мостовая",
    "просп. Тридцатилетия Города",
    "б-р Сосновый",
    "пер. Тихий",
    "пр-д Ключевой",
)
INITIALS: Final = "АБВГДЕЗИКЛМНПРСТФ"


class Habit(Enum):
    """How a household pays."""

    PROMPT = "all of it, by the due day"
    LATE = "all of it, after the due day"
    PART = "some of it"
    DEBTOR = "nothing for months"
    ADVANCE = "ahead, for several months at once"
    ZERO = "so that the last bill comes to 0.00"


@dataclass(frozen=True, slots=True)
class House:
    """A building. *manager* is the provider of its housing services."""

    id: str
    street: str
    number: str
    private: bool
    flats: int
    gas: bool
    manager: str

    @property
    def kind(self) -> str:
        """What the files call it."""
        return "private_house" if self.private else "apartment_house"


@dataclass(frozen=True, slots=True)
class Household:
    """An account and who pays it. *unpaid_months* matters to debtors; *showcase* is shown in the demo."""

    index: int
    house: House
    flat: str
    opens_house: bool
    area: Decimal
    people: int
    habit: Habit
    unpaid_months: int
    extras: frozenset[str]
    benefit: bool
    payer: str
    code: str
    showcase: bool

    @property
    def account(self) -> str:
        """The account's number."""
        return f"058{1_234_567 + 11 * self.index:07d}"

    @property
    def premises(self) -> str:
        """The id of its premises."""
        return f"{self.house.id}-{self.flat or 'D'}"


# The accounts that the demo shows first: a usual flat, a debtor, an advance in a private house; and the
# one whose last bill is 0.00.
SHOWCASE_HABITS: Final = (Habit.PROMPT, Habit.DEBTOR, Habit.ADVANCE, Habit.ZERO)
SHOWCASES: Final = 3


def households(rng: Random, accounts: int) -> Iterator[Household]:
    """So many households, house by house; the first ones as SHOWCASE_HABITS says."""
    for index, (house, flat, opens) in zip(range(accounts), _doors(rng), strict=False):
        yield _household(rng, index, house, flat, opens=opens)


def _doors(rng: Random) -> Iterator[tuple[House, int, bool]]:
    """House, flat, and whether the house is met for the first time."""
    numbers = count(1)
    first, cottage = _house(rng, next(numbers), private=False), _house(rng, next(numbers), private=True)
    yield first, 1, True
    yield first, 2, False
    yield cottage, 0, True
    yield from ((first, flat, False) for flat in range(3, first.flats + 1))
    for number in numbers:
        # Most doors are in apartment houses, most buildings are not.
        house = _house(rng, number, private=rng.random() < 0.88)
        if house.private:
            yield house, 0, True
        else:
            yield from ((house, flat, flat == 1) for flat in range(1, house.flats + 1))


def _house(rng: Random, number: int, *, private: bool) -> House:
    side = rng.choice(("", "", "", "а", "б"))
    return House(
        id=f"H{number:05d}",
        street=STREETS[number % len(STREETS)],
        number=f"{1 + number // len(STREETS)}{side}",
        private=private,
        flats=1 if private else rng.choice((12, 24, 36, 60, 80, 100, 144)),
        gas=private or (number > 1 and rng.random() < 0.4),
        manager=MANAGERS[number % len(MANAGERS)],
    )


def _household(rng: Random, index: int, house: House, flat: int, *, opens: bool) -> Household:
    special = index < len(SHOWCASE_HABITS)
    habit = SHOWCASE_HABITS[index] if special else _habit(rng)
    metres = rng.randrange(450, 1400) if house.private else rng.randrange(290, 820)
    return Household(
        index=index,
        house=house,
        flat="" if house.private else str(flat),
        opens_house=opens,
        area=Decimal(metres).scaleb(-1),
        people=2 if special else rng.choice((1, 1, 2, 2, 2, 3, 3, 4, 5)),
        habit=habit,
        unpaid_months=6 if special else rng.randrange(2, 10),
        extras=_extras(rng, house),
        benefit=not special and rng.random() < 0.04,
        payer=f"{rng.choice(INITIALS)}*** {rng.choice(INITIALS)}***",
        code=f"{rng.randrange(1_000_000):06d}",
        showcase=index < SHOWCASES,
    )


def _habit(rng: Random) -> Habit:
    [habit] = rng.choices(
        (Habit.PROMPT, Habit.LATE, Habit.PART, Habit.DEBTOR, Habit.ADVANCE), (79, 8, 4, 6, 3)
    )
    return habit


def _extras(rng: Random, house: House) -> frozenset[str]:
    """The additional services that a household takes."""
    chances = (
        {"internet": 0.3}
        if house.private
        else {"intercom": 0.8, "tv": 0.4, "radio": 0.1, "internet": 0.35, "cctv": 0.3}
    )
    return frozenset(code for code, chance in chances.items() if rng.random() < chance)
