"""What a household of the invented town is charged for a month, line by line."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import lru_cache
from random import Random
from typing import Final, NamedTuple

from bots.town.dials import Dial
from bots.town.places import Household
from bots.town.prices import (
    HEAT_OF_AREA,
    HEAT_OF_WATER,
    PRIVATE_WASTE,
    SERVICE,
    WASTE_BY_PERSON,
    epoch_of,
    price,
    zone_prices,
)
from core.messages import Month
from core.money import Money

# Cubic metres a person where no meter stands; where one could stand, half as much again (decree 354, p. 42).
COLD_NORM: Final = Decimal("4.3")
HOT_NORM: Final = Decimal("3.2")
WATER_NORMS: Final = {"cold_water": COLD_NORM, "hot_water_water": HOT_NORM}
NORM_MULTIPLIER: Final = Decimal("1.5")
HEATED_MONTHS: Final = frozenset({10, 11, 12, 1, 2, 3, 4})
BY_AREA: Final = (
    "maintenance",
    "common_cold_water",
    "common_hot_water",
    "common_electricity",
    "common_sewerage",
    "waste",
)
OUTAGE: Final = "Нет горячей воды 3 дня"
OUTAGE_SHARE: Final = Decimal("0.1")


class Line(NamedTuple):
    """A line of a bill, without what was owed before. Sums are kopecks."""

    service: str
    provider: str
    tariff: str
    individual: str = "0"
    common: str = "0"
    method: str = "O"
    charged: int = 0
    charged_common: int = 0
    multiplier: str = "1.0"
    multiplier_sum: int = 0
    recalculation: int = 0
    reason: str = ""
    benefit: int = 0

    @property
    def payable(self) -> int:
        """What the month adds to what is owed for the service."""
        return self.charged + self.charged_common + self.multiplier_sum + self.recalculation - self.benefit


def provider_of(service: str, home: Household) -> str:
    """Whom this household owes for *service*."""
    usual = SERVICE[service].provider
    if usual == "P01":
        return home.house.manager
    return PRIVATE_WASTE if service == "waste" and home.house.private else usual


def _charged(service: str, home: Household, rate: Decimal, volume: Decimal, *, method: str = "O") -> Line:
    sum_kopecks = Money.rounded(volume * rate).kopecks
    common = service.startswith("common_")
    return Line(
        service,
        provider_of(service, home),
        str(rate),
        individual="0" if common else str(volume),
        common=str(volume) if common else "0",
        method=method,
        charged=0 if common else sum_kopecks,
        charged_common=sum_kopecks if common else 0,
    )


# One household is billed after another, so that few remembered answers are enough.
@lru_cache(maxsize=8)
def steady_lines(home: Household, epoch: int) -> tuple[Line, ...]:
    """The lines that are the same every month until prices change."""
    return tuple(_steady(home, epoch))


def _steady(home: Household, epoch: int) -> Iterator[Line]:
    one = Decimal(1)
    if home.house.private:
        yield _charged("waste", home, Decimal(WASTE_BY_PERSON[epoch]), Decimal(home.people))
    else:
        for service in BY_AREA:
            yield _charged(service, home, price(service, epoch), home.area)
        overhaul = _charged("overhaul", home, price("overhaul", epoch), home.area)
        yield overhaul._replace(benefit=overhaul.charged // 2 if home.benefit else 0)
    if home.house.gas:
        yield _charged("gas_equipment_service", home, price("gas_equipment_service", epoch), one)
    for service in sorted(home.extras):
        yield _charged(service, home, price(service, epoch), one)


def metered_lines(
    rng: Random, home: Household, month: Month, dials: Sequence[Dial], turned: Mapping[str, tuple[int, ...]]
) -> Iterator[Line]:
    """The lines that depend on use: water, heat, electricity, gas. *turned*: use by meter."""
    epoch = epoch_of(month.first_day)
    drained = Decimal(0)
    for line in _water_lines(home, month, dials, turned):
        drained += Decimal(line.individual)
        yield line
        if line.service == "hot_water_water":
            yield _heated(rng, home, epoch, line)
    yield _charged("sewerage", home, price("sewerage", epoch), drained)
    if not home.house.private and month.month in HEATED_MONTHS:
        volume = (home.area * HEAT_OF_AREA).quantize(Decimal("0.000001"))
        yield _charged("heating", home, price("heating", epoch), volume)
    for dial in dials:
        if dial.service == "electricity":
            yield _electricity(home, epoch, dial, month, turned)
        elif dial.service == "gas":
            volume = Decimal(sum(turned[dial.id]))
            yield _charged("gas", home, price("gas", epoch), volume, method=_method([dial], month))


def _method(dials: Iterable[Dial], month: Month) -> str:
    return "M" if all(dial.counts_in(month) for dial in dials) else "A"


def _water_lines(
    home: Household, month: Month, dials: Sequence[Dial], turned: Mapping[str, tuple[int, ...]]
) -> Iterator[Line]:
    norms = {"cold_water": COLD_NORM} if home.house.private else WATER_NORMS
    for service, norm in norms.items():
        rate = price(service, epoch_of(month.first_day))
        meters = [dial for dial in dials if dial.service == service]
        if meters:
            volume = Decimal(sum(sum(turned[dial.id]) for dial in meters))
            yield _charged(service, home, rate, volume, method=_method(meters, month))
        else:
            yield _by_norm(_charged(service, home, rate, norm * home.people, method="N"))


def _by_norm(line: Line) -> Line:
    extra = Money.rounded(Money(line.charged).roubles * (NORM_MULTIPLIER - 1)).kopecks
    return line._replace(multiplier=str(NORM_MULTIPLIER), multiplier_sum=extra)


def _heated(rng: Random, home: Household, epoch: int, water: Line) -> Line:
    """The heat in hot water; now and then there was none for some days."""
    service, volume = "hot_water_heat", Decimal(water.individual) * HEAT_OF_WATER
    line = _charged(service, home, price(service, epoch), volume, method=water.method)
    if rng.random() > 0.02:
        return line
    back = Money.rounded(Money(line.charged).roubles * OUTAGE_SHARE).kopecks
    return line._replace(recalculation=-back, reason=OUTAGE)


def _electricity(
    home: Household, epoch: int, dial: Dial, month: Month, turned: Mapping[str, tuple[int, ...]]
) -> Line:
    use = turned[dial.id]
    method = _method([dial], month)
    if len(use) == 1:
        return _charged("electricity", home, price("electricity", epoch), Decimal(use[0]), method=method)
    kopecks = sum(
        Money.rounded(rate * kwh).kopecks for rate, kwh in zip(zone_prices(epoch), use, strict=True)
    )
    volume = sum(use)
    # Two prices, one line: the file has room for the average only.
    average = (Money(kopecks).roubles / max(1, volume)).quantize(Decimal("0.000001"))
    return Line(
        "electricity",
        provider_of("electricity", home),
        str(average),
        individual=str(volume),
        method=method,
        charged=kopecks,
    )


def owed_line(service: str, home: Household, month: Month) -> Line:
    """The line of a service that is still owed for but not charged this month."""
    rate = price(service, epoch_of(month.first_day))
    return Line(service, provider_of(service, home), str(rate))
