"""What documents show, as values: the bill of a month, a bank QR, a chart of a year. How they are drawn is elsewhere."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TypeAlias

import msgspec

from core.messages import Month
from core.money import NOTHING, Money
from core.requisites import Requisites

# --- A payment by bank -----------------------------------------------------------------------------


class BankOrder(msgspec.Struct, frozen=True):
    """A transfer to *payee* for account *number*, as a bank's app reads it from a QR: no person is in it."""

    payee: Requisites
    number: str
    due: Money
    period: Month | None


class QrSheet(msgspec.Struct, frozen=True, tag=True):
    """A QR as a picture for a chat, with what an old picture must still say: whose, how much, of which day."""

    order: BankOrder
    masked_number: str
    on: date


# --- The bill --------------------------------------------------------------------------------------


class Office(msgspec.Struct, frozen=True):
    """Who issues the bill, and how to reach them."""

    name: str
    address: str = ""
    phone: str = ""
    hours: str = ""
    site: str = ""


class Premises(msgspec.Struct, frozen=True):
    """What is billed: areas in m², people, and the house that it is part of. None: billing does not say."""

    address: str
    area_total: Decimal | None
    area_living: Decimal | None
    area_heated: Decimal | None
    registered: int | None
    residents: int | None
    house_area_total: Decimal | None
    house_area_common: Decimal | None


class SheetLine(msgspec.Struct, frozen=True):
    """A service on the bill. *method*: M by meter, N by norm, A by average, O other.

    *charged* is by *volume*, *charged_common* by *volume_common*; *multiplier_sum* is what the norm's
    *multiplier* adds. *payable* = charged + charged_common + multiplier_sum + recalculation - benefit.
    """

    kind: str
    name: str
    unit: str
    provider: str
    tariff: Decimal
    volume: Decimal
    volume_common: Decimal
    method: str
    charged: Money
    charged_common: Money
    multiplier: Decimal
    multiplier_sum: Money
    recalculation: Money
    reason: str
    benefit: Money
    payable: Money
    opening: Money
    penalty: Money


class Recipient(msgspec.Struct, frozen=True):
    """A provider whose lines are on the bill."""

    id: str
    name: str
    inn: str
    bank_account: str
    bik: str


class SheetMeter(msgspec.Struct, frozen=True):
    """A register of a meter, before and at the bill's readings; None: not read."""

    service: str
    place: str
    serial: str
    label: str
    unit: str
    before: Decimal | None
    now: Decimal | None
    now_on: date | None
    used: Decimal | None
    verification_due_on: date | None


class HouseVolume(msgspec.Struct, frozen=True):
    """What a house used of a service in the month: in its premises, and for common needs."""

    service: str
    unit: str
    individual: Decimal
    common: Decimal


class PaperLink(msgspec.Struct, frozen=True):
    """What the paper bill brings a resident to the chat by: an address to open, and a code that proves."""

    url: str
    code: str = ""


class BillSheet(msgspec.Struct, frozen=True, tag=True):
    """Everything on the bill of a month (decree 354, p. 69; order 43/pr of 2018).

    *qr_due* is what its QR asks for, nothing where there is nothing to pay. *paper* is printed, not sent.
    """

    office: Office
    payee: Requisites | None
    number: str
    gis_account: str
    gis_document: str
    payer: str
    premises: Premises
    period: Month
    opening: Money
    payments_counted: Money
    counted_until: date
    penalty: Money
    total_due: Money
    due_on: date
    lines: tuple[SheetLine, ...]
    recipients: tuple[Recipient, ...]
    meters: tuple[SheetMeter, ...]
    house: tuple[HouseVolume, ...]
    qr_due: Money = NOTHING
    paper: PaperLink | None = None


# --- Charts ----------------------------------------------------------------------------------------


class Bars(msgspec.Struct, frozen=True):
    """A bar a month, in the order of the sheet's months; None: not known. *unit* is '' for roubles."""

    title: str
    detail: str
    unit: str
    values: tuple[Decimal | None, ...]


class ChartSheet(msgspec.Struct, frozen=True, tag=True):
    """What was charged and what each meter turned, month by month, worded in *language*; *note* stands below."""

    language: str
    months: tuple[Month, ...]
    charts: tuple[Bars, ...]
    note: str = ""


Sheet: TypeAlias = BillSheet | QrSheet | ChartSheet
