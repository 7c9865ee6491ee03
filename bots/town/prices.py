"""What the invented town pays for: its services, who provides them, and what a unit costs from when."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Final

from core.requisites import is_account


@dataclass(frozen=True, slots=True)
class Service:
    """A line that a bill may have. *prices*: one for each of EPOCHS."""

    code: str
    name: str
    unit: str
    kind: str
    provider: str
    prices: tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Provider:
    """Whom a line's money is due to. No such organisation exists: the numbers are made up."""

    id: str
    name: str
    kind: str
    fee_percent: str

    @property
    def number(self) -> int:
        """The number in the id, from which requisites are made."""
        return int(self.id.removeprefix("P"))


# Prices changed on 1 January 2026 (VAT) and on 1 October 2026 (the yearly indexation).
EPOCHS: Final = (date(2020, 1, 1), date(2026, 1, 1), date(2026, 10, 1))

MANAGERS: Final = ("P01", "P10", "P11")
PRIVATE_WASTE: Final = "P12"

SERVICES: Final = (
    Service("maintenance", "Содержание жилья", "м²", "housing", "P01", ("24.20", "25.07", "25.07")),
    Service(
        "common_cold_water", "Холодная вода на общие нужды", "м²", "housing", "P01", ("0.93", "0.95", "1.05")
    ),
    Service(
        "common_hot_water", "Горячая вода на общие нужды", "м²", "housing", "P01", ("2.36", "2.40", "2.62")
    ),
    Service(
        "common_electricity",
        "Электроэнергия на общие нужды",
        "м²",
        "housing",
        "P01",
        ("1.82", "1.85", "2.01"),
    ),
    Service(
        "common_sewerage", "Водоотведение на общие нужды", "м²", "housing", "P01", ("0.59", "0.60", "0.66")
    ),
    Service("cold_water", "Холодная вода", "м³", "utility", "P03", ("37.36", "38.00", "42.10")),
    Service("hot_water_water", "Горячая вода: вода", "м³", "utility", "P03", ("37.36", "38.00", "42.10")),
    Service(
        "hot_water_heat", "Горячая вода: тепло", "Гкал", "utility", "P02", ("2458.21", "2500.00", "2747.50")
    ),
    Service("sewerage", "Водоотведение", "м³", "utility", "P03", ("24.58", "25.00", "27.60")),
    Service("heating", "Отопление", "Гкал", "utility", "P02", ("2458.21", "2500.00", "2747.50")),
    Service("electricity", "Электроэнергия", "кВт·ч", "utility", "P04", ("5.19", "5.28", "5.75")),
    Service("gas", "Газ", "м³", "utility", "P05", ("8.27", "8.41", "9.18")),
    Service(
        "gas_equipment_service",
        "Обслуживание газового оборудования",
        "мес.",
        "utility",
        "P05",
        ("70.00", "75.00", "75.00"),
    ),
    Service("waste", "Обращение с отходами", "м²", "utility", "P06", ("4.82", "4.90", "5.34")),
    Service("overhaul", "Взнос на капремонт", "м²", "housing", "P09", ("12.50", "14.50", "14.50")),
    Service("intercom", "Домофон", "кв.", "additional", "P08", ("50.00", "55.00", "55.00")),
    Service("tv", "Антенна", "точка", "additional", "P07", ("170.00", "180.00", "180.00")),
    Service("radio", "Радио", "точка", "additional", "P07", ("90.00", "95.00", "95.00")),
    Service("internet", "Интернет", "договор", "additional", "P07", ("520.00", "550.00", "550.00")),
    Service("cctv", "Видеонаблюдение", "кв.", "additional", "P08", ("40.00", "40.00", "40.00")),
)

# What the day and the night register of a two-zone electricity meter cost.
ZONES: Final = (("5.97", "6.07", "6.61"), ("3.74", "3.80", "4.14"))
# In private houses waste is paid for by the person.
WASTE_BY_PERSON: Final = ("116.40", "118.40", "129.05")
# Gcal that heat a cubic metre of water, and a square metre for a month of the heating season.
HEAT_OF_WATER: Final = Decimal("0.0605")
HEAT_OF_AREA: Final = Decimal("0.0192")

PROVIDERS: Final = (
    Provider("P01", "УК «Домашний уют»", "management_company", "1.5"),
    Provider("P02", "ООО «Зареченские тепловые сети»", "resource_supplier", "1.2"),
    Provider("P03", "МП «Зареченскводоканал»", "resource_supplier", "1.2"),
    Provider("P04", "АО «Сурская энергосбытовая компания»", "resource_supplier", "1.0"),
    Provider("P05", "АО «Зареченскгаз»", "resource_supplier", "1.0"),
    Provider("P06", "ООО «Чистый округ»", "waste_operator", "1.8"),
    Provider("P07", "ООО «Зареченские телесети»", "other", "2.0"),
    Provider("P08", "ООО «Домофон-Сервис»", "other", "2.0"),
    Provider("P09", "Фонд капитального ремонта области", "overhaul_fund", "0.8"),
    Provider("P10", "ТСЖ «Кленовая роща»", "owners_association", "1.5"),
    Provider("P11", "УК «Старый город»", "management_company", "1.5"),
    Provider("P12", "ООО «Чистый округ», частный сектор", "waste_operator", "1.8"),
)

SERVICE: Final = {service.code: service for service in SERVICES}


@cache
def epoch_of(day: date) -> int:
    """Which of EPOCHS *day* is in; days before the first count as the first."""
    return max(index for index, since in enumerate(EPOCHS) if index == 0 or since <= day)


@cache
def price(service: str, epoch: int) -> Decimal:
    """Roubles a unit of *service*."""
    return Decimal(SERVICE[service].prices[epoch])


@cache
def zone_prices(epoch: int) -> tuple[Decimal, Decimal]:
    """Roubles a kWh by day and by night."""
    day, night = ZONES
    return Decimal(day[epoch]), Decimal(night[epoch])


def tariff_rows() -> Iterator[tuple[str, ...]]:
    """Every price as rows of the file `tariffs`."""
    for service in SERVICES:
        managed = service.provider in MANAGERS
        for provider in MANAGERS if managed else (service.provider,):
            yield from _effective(service.code, provider, "0", service.prices)
    for register, prices in enumerate(ZONES, start=1):
        yield from _effective("electricity", "P04", str(register), prices)
    yield from _effective("waste", PRIVATE_WASTE, "0", WASTE_BY_PERSON)


def _effective(
    service: str, provider: str, register: str, prices: tuple[str, str, str]
) -> Iterator[tuple[str, ...]]:
    ends = [(since - timedelta(days=1)).isoformat() for since in EPOCHS[1:]]
    for since, until, rate in zip(EPOCHS, [*ends, ""], prices, strict=True):
        yield (service, provider, register, since.isoformat(), until, rate)


def provider_rows() -> Iterator[tuple[str, ...]]:
    """Every provider as rows of the file `providers`."""
    for provider in PROVIDERS:
        n = provider.number
        yield (
            provider.id,
            f"58{n:08d}",
            f"58{n:03d}1001",
            provider.name,
            provider.kind,
            _account(n, bik := f"0456{n:05d}"),
            bik,
            f"30101810{n:012d}",
            f"{n}/2020",
            provider.fee_percent,
            EPOCHS[0].isoformat(),
            "",
            "Банк «Присурье»",
        )


def _account(number: int, bik: str) -> str:
    """A bank account with the check digit that its bank gives it."""
    digits = (f"40702810{key}{number:011d}" for key in range(10))
    return next(account for account in digits if is_account(account, bik))


def service_rows() -> Iterator[tuple[str, ...]]:
    """Every service as rows of the file `services`, in the order of the form."""
    for place, service in enumerate(SERVICES, start=1):
        yield (service.code, service.name, service.unit, service.kind, "0", str(place))
