"""Writing the invented town: house by house, into all files at once, so that memory stays flat."""

import csv
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Final

from bots.town.billing import (
    MONTHS_BILLED,
    MONTHS_LIVED,
    Ledger,
    MonthlyBill,
    Paid,
    paid,
    payments_of,
    stopped_paying,
)
from bots.town.dials import MODELS, Dial, dials_of, meter_row, used
from bots.town.lines import Line, metered_lines, steady_lines
from bots.town.places import TOWN, Household, households
from bots.town.prices import epoch_of, provider_rows, service_rows, tariff_rows
from core.messages import Month
from core.money import Money
from storage.exchange_cells import CENTRE_TIME
from storage.exchange_formats import KINDS
from storage.exchange_writing import ExchangeFile
from storage.keys import code_hash

CENTRE: Final = "zarechinsk"
# What the registers of a meter show.
Shown = tuple[int, ...]

# Account and code on its paper bill: for whoever tries the demo, never imported.
CODES_FILE: Final = "codes.csv"
WAYS: Final = (
    ("bank", "Банк «Присурье»"),
    ("bank", "Зареченский народный банк"),
    ("post", "Почта"),
    ("cash", "Касса центра"),
    ("terminal", "Терминал в центре"),
    ("payroll", "Бухгалтерия завода «Маяк»"),
)
SOURCES: Final = ("web", "app", "operator", "cashier", "bank_register")
# How many have sent this month's readings already.
EARLY_BIRDS: Final = 0.1
EARLY_DAYS: Final = 16


def write_town(folder: Path, *, accounts: int, seed: int, today: date, key: bytes) -> list[Path]:
    """Write a town of so many accounts into *folder*; give the files, without their control files.

    The same numbers and day give the same files. *key* is what the codes on the paper bills are hashed
    with. The last month billed is the one before *today*'s.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = Random(seed)  # noqa: S311 -- an invented town has no secrets
    with ExitStack() as open_files:
        town = _Town(folder, today, key, rng, open_files)
        for kind, rows in (
            ("services", service_rows()),
            ("providers", provider_rows()),
            ("tariffs", tariff_rows()),
        ):
            for row in rows:
                town.file(kind).row(row)
        for home in households(rng, accounts):
            town.settle(home)
    return sorted(town.paths)


@lru_cache(maxsize=1 << 16)
def _roubles(kopecks: int) -> str:
    return str(Money(kopecks).roubles)


@dataclass
class _Town:
    folder: Path
    today: date
    key: bytes
    rng: Random
    open_files: ExitStack
    paths: list[Path] = field(default_factory=list)
    files: dict[tuple[str, str], ExchangeFile] = field(default_factory=dict)

    def __post_init__(self) -> None:
        this_month = Month.of(self.today)
        self.months = [this_month.plus(index - MONTHS_LIVED) for index in range(MONTHS_LIVED + 1)]
        codes = self.open_files.enter_context((self.folder / CODES_FILE).open("w", encoding="utf-8"))
        self.codes = csv.writer(codes, delimiter=";", lineterminator="\n")
        self.codes.writerow(("account", "code"))

    def file(self, kind: str, period: str = "") -> ExchangeFile:
        """The file of *kind*, of today or of a month; made when its first row is written."""
        if (kind, period) not in self.files:
            path = self.folder / f"{kind}_{CENTRE}_{period or self.today}_1.csv"
            form = KINDS[kind]
            file = ExchangeFile(
                path,
                form.header,
                summed=form.control_column is not None,
                generated_at=datetime.combine(self.today, time(6), CENTRE_TIME),
            )
            self.paths.append(path)
            self.files[kind, period] = self.open_files.enter_context(file)
        return self.files[kind, period]

    def settle(self, home: Household) -> None:
        """Write all about a household."""
        dials = dials_of(self.rng, home, self.months[MONTHS_BILLED])
        self._write_premises(home)
        for dial in dials:
            self.file("meters").row(meter_row(dial, home.account))
        self._live(home, dials)

    def _write_premises(self, home: Household) -> None:
        house = home.house
        address = (TOWN, house.street, house.number, "")
        if home.opens_house:
            area = "" if house.private else str(house.flats * 54)
            common = "" if house.private else str(house.flats * 7)
            self.file("houses").row((house.id, "", *address, house.kind, area, common))
        people, area = str(home.people), str(home.area)
        kind = "private_house" if house.private else "flat"
        self.file("premises").row(
            (home.premises, house.id, "", *address, home.flat, "", kind, area, "", area, people, people, "")
        )
        secret = code_hash(self.key, home.code).hex()
        gis = f"75{home.index:08x}"
        row = (
            f"{home.account};58{home.account:0>11};{gis};{home.premises};100;person;{home.payer};;;"
            f"2020-01-01;;{secret};;open"
        )
        self.file("accounts").plain((row,))
        self.codes.writerow((home.account, home.code))

    def _live(self, home: Household, dials: list[Dial]) -> None:
        ledger = Ledger(home)
        self.shown = {dial.id: dial.starts for dial in dials}
        for index, month in enumerate(self.months[:MONTHS_LIVED]):
            turned = self._read_meters(home, dials, month)
            steady = steady_lines(home, epoch_of(month.first_day))
            lines = (*metered_lines(self.rng, home, month, dials, turned), *steady)
            charged = sum(line.payable for line in lines)
            kopecks = paid(self.rng, home, index=index, owed=ledger.total, charged=charged) if index else 0
            payments = payments_of(self.rng, home, month, kopecks)
            bill = ledger.bill(month, lines, payments)
            if stopped_paying(home, index + 1):
                ledger.leave_unpaid(month, lines)
            if index:
                self._write_bill(home, bill)
        self._live_this_month(home, dials, ledger.total)

    def _live_this_month(self, home: Household, dials: list[Dial], owed: int) -> None:
        month = self.months[MONTHS_LIVED]
        kopecks = paid(self.rng, home, index=MONTHS_LIVED, owed=owed, charged=0)
        payments = payments_of(self.rng, home, month, kopecks)
        early = self.rng.random() < EARLY_BIRDS
        if home.showcase:
            return
        self._write_payments(home, month, tuple(one for one in payments if one.on <= self.today))
        if early and self.today.day >= EARLY_DAYS:
            self._read_meters(home, dials, month)

    def _read_meters(self, home: Household, dials: list[Dial], month: Month) -> dict[str, Shown]:
        """Let a month's use run through the meters, write what was read; give the use."""
        turned: dict[str, Shown] = {}
        rows: list[str] = []
        period, taken = str(month), self._day_of_reading(month).isoformat()
        at = f"{taken};{taken}T{10 + home.index % 9}:{home.index % 60:02d}:00+03:00"
        for dial in dials:
            turned[dial.id] = use = used(self.rng, dial, month)
            before = self.shown[dial.id]
            self.shown[dial.id] = now = tuple(was + more for was, more in zip(before, use, strict=True))
            if dial.counts_in(month):
                source = "smart" if dial.smart else SOURCES[home.index % len(SOURCES)]
                rows += [
                    f"{dial.id};{home.account};{dial.service};{dial.serial};{register};{value};{was};{at};"
                    f"{source};{period}-{dial.id}-{register};current;{period};"
                    for register, (was, value) in enumerate(zip(before, now, strict=True), start=1)
                ]
        self.file("readings", period).plain(rows)
        return turned

    def _day_of_reading(self, month: Month) -> date:
        """A day of the window, and not one that is still to come."""
        last = max(opens for *_, opens, _ in MODELS.values())
        return min(month.first_day.replace(day=self.rng.randrange(last, 25)), self.today)

    def _write_bill(self, home: Household, bill: MonthlyBill) -> None:
        self._write_payments(home, bill.period, bill.payments)
        period, account = str(bill.period), home.account
        openings, penalties, nothing = bill.openings, bill.penalties, _roubles(0)
        rows = [
            f"{account};{period};{_line_text(line)}"
            f";{_roubles(openings[service]) if (service := line.service) in openings else nothing}"
            f";{_roubles(penalties[service]) if service in penalties else nothing}"
            for line in bill.lines
        ]
        self.file("charges", period).plain(rows, sum([line.payable for line in bill.lines]))
        total = f"{account};{period};{_total_text(bill)};75{home.index:08x}{period[:4]}{period[5:]}01;"
        self.file("bill_totals", period).plain((total,), bill.total)

    def _write_payments(self, home: Household, month: Month, payments: tuple[Paid, ...]) -> None:
        period = str(month)
        channel, source = WAYS[(home.index + month.month) % len(WAYS)]
        for number, payment in enumerate(payments, start=1):
            name = f"{period}-{home.index + 1:06d}-{number}"
            booked = min(payment.on + timedelta(days=1), month.plus(1).first_day - timedelta(days=1))
            at = f"{payment.on}T{9 + home.index % 10:02d}:{home.index % 60:02d}:00+03:00"
            row = (
                f"PAY-{name};{home.account};{at};{booked};{_roubles(payment.kopecks)};{channel};{source};"
                f"{name};{channel}-{payment.on};;;;"
            )
            self.file("payments", period).plain((row,), payment.kopecks)


# Half of a bill's lines are the same from month to month.
@lru_cache(maxsize=64)
def _line_text(line: Line) -> str:
    return (
        f"{line.service};{line.provider};{line.tariff};{line.individual};{line.common};{line.method};"
        f"{_roubles(line.charged)};{_roubles(line.charged_common)};"
        f"{line.multiplier};{_roubles(line.multiplier_sum)};"
        f"{_roubles(line.recalculation)};{line.reason};{_roubles(line.benefit)};{_roubles(line.payable)}"
    )


def _total_text(bill: MonthlyBill) -> str:
    charged = sum(line.charged + line.charged_common + line.multiplier_sum for line in bill.lines)
    recalculation = sum(line.recalculation for line in bill.lines)
    benefit = sum(line.benefit for line in bill.lines)
    counted_until = bill.period.plus(1).first_day - timedelta(days=1)
    return (
        f"{_roubles(bill.opening)};{_roubles(sum(payment.kopecks for payment in bill.payments))};{counted_until};"
        f"{_roubles(charged)};{_roubles(recalculation)};{_roubles(benefit)};"
        f"{_roubles(sum(bill.penalties.values()))};{_roubles(bill.total)}"
    )
