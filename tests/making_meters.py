"""Builders of meters: a test states what matters, the rest is a usual flat."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from core.meters import COLD_WATER, ELECTRICITY, HOT_WATER, Meter, Register, Sent

ACCOUNT = 7
# 24 May 2026, 10:12 in Moscow: inside the usual window.
IN_MAY = datetime(2026, 5, 24, 7, 12, tzinfo=UTC)


def a_register(
    number: int = 1,
    *,
    last: str | None = "120",
    sent: str | None = None,
    locked: bool = False,
    rate: str | None = "40",
) -> Register:
    return Register(
        number=number,
        label=f"Т{number}",
        last=None if last is None else Decimal(last),
        last_on=None if last is None else date(2026, 4, 24),
        sent=None if sent is None else Sent(Decimal(sent), datetime(2026, 5, 20, 9, 0, tzinfo=UTC), locked),
        rate=None if rate is None else Decimal(rate),
    )


def a_meter(
    id: str = "cold",  # noqa: A002  # the name of the field
    *,
    service: str = COLD_WATER,
    registers: Sequence[Register] = (),
    last: str | None = "120",
    sent: str | None = None,
    locked: bool = False,
    **rest: Any,
) -> Meter:
    """A cold water meter in the kitchen, 5+3 digits, with 120 as its April value."""
    usual: dict[str, Any] = {
        "account": ACCOUNT,
        "serial": "11116342",
        "place": "кухня",
        "unit": "м³",
        "commissioned_on": date(2020, 1, 1),
        "verification_due_on": date(2030, 1, 1),
    }
    registers = tuple(registers) or (a_register(last=last, sent=sent, locked=locked),)
    return Meter(id=id, service=service, registers=tuple(registers), **{**usual, **rest})


def cold(id: str = "cold", **rest: Any) -> Meter:  # noqa: A002  # the name of the field
    return a_meter(id, **rest)


def hot(id: str = "hot", **rest: Any) -> Meter:  # noqa: A002  # the name of the field
    return a_meter(id, **{"service": HOT_WATER, "serial": "22221234", "last": "40", **rest})


def electric(id: str = "light", *, zones: int = 1, **rest: Any) -> Meter:  # noqa: A002  # the name of the field
    usual: dict[str, Any] = {
        "service": ELECTRICITY,
        "serial": "33335555",
        "place": "коридор",
        "unit": "кВт·ч",
        "fraction_digits": 1,
        "registers": [a_register(number, last="10000", rate="6") for number in range(1, zones + 1)],
    }
    return a_meter(id, **{**usual, **rest})
