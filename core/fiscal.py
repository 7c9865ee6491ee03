"""The fiscal receipt of a payment (54-ФЗ): a line a service, for whom it is sent, and where.

What the receipt prints is how the money is to be spread: it is kept with the go at paying, and `named` has it
followed when the money is posted, capped by what is due then.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from core.allocation import PENALTY, PROPORTIONAL, Line, Named, Rule, Share, allocate
from core.messages import Month
from core.money import NOTHING, Money, total


class ReceiptNeed(StrEnum):
    """What an acquirer that sends the receipt has to know of the customer."""

    NONE = "none"  # it sends no receipt
    EMAIL = "email"
    EMAIL_OR_PHONE = "email_or_phone"


class Mode(StrEnum):
    """How a line was paid: all that was due for what was already supplied, a part of it, or in advance."""

    FULL = "full"
    PART = "part"
    ADVANCE = "advance"


class Supplier(msgspec.Struct, frozen=True):
    """The principal for whom the centre takes the money as an agent."""

    name: str
    inn: str


class Item(msgspec.Struct, frozen=True):
    """A line of a receipt. *service* '' is money that nothing is due for yet; *provider* is the supplier's code."""

    service: str
    name: str
    months: str
    amount: Money
    mode: Mode
    supplier: Supplier | None = None
    provider: str = ""

    def title(self, most: int) -> str:
        """The line's name in at most *most* characters: of a long one the service is cut, not the months."""
        ending = f", {self.months}" if self.months else ""
        room = most - len(ending)
        name = self.name if len(self.name) <= room else f"{self.name[: room - 1].rstrip()}…"
        return name + ending


class Wording(msgspec.Struct, frozen=True):
    """What lines are called: services by their codes, suppliers by theirs, and what is no service."""

    services: Mapping[str, str]
    suppliers: Mapping[str, Supplier]
    penalty: str
    advance: str


def receipt_items(
    *, amount: Money, lines: Sequence[Line], wording: Wording, rule: Rule = PROPORTIONAL
) -> tuple[Item, ...]:
    """*amount* as *rule* spreads it over *lines*, a line a service and supplier; they add up to it."""
    allocation = allocate(received=amount, lines=lines, rule=rule)
    given: dict[tuple[str, str], list[Share]] = {}
    for share in allocation.shares:
        given.setdefault((PENALTY if share.penalty else share.service, share.provider), []).append(share)
    items = [_item(code, provider, shares, lines, wording) for (code, provider), shares in given.items()]
    if allocation.rest:
        items.append(Item("", wording.advance, "", allocation.rest, Mode.ADVANCE))
    return tuple(items)


def _item(code: str, provider: str, shares: Sequence[Share], lines: Sequence[Line], wording: Wording) -> Item:
    amount = total(share.amount for share in shares)
    due = total(line.due for line in lines if _is_of(line, code, provider) and line.due > NOTHING)
    return Item(
        service=code,
        name=wording.penalty if code == PENALTY else wording.services.get(code, code),
        months=_span(sorted({share.period for share in shares})),
        amount=amount,
        mode=Mode.FULL if amount == due else Mode.PART,
        supplier=wording.suppliers.get(provider),
        provider=provider,
    )


def _is_of(line: Line, code: str, provider: str) -> bool:
    return line.provider == provider and (PENALTY if line.penalty else line.service) == code


def _span(months: Sequence[Month]) -> str:
    first, last = (f"{month.month:02}.{month.year}" for month in (months[0], months[-1]))
    return first if first == last else f"{first}–{last}"


def at_most(items: Sequence[Item], most: int, *, rest: str) -> tuple[Item, ...]:
    """*items* as no more than *most*: the smallest ones become one that is called *rest*."""
    if len(items) <= most:
        return tuple(items)
    by_size = sorted(items, key=lambda item: -item.amount.kopecks)
    small = by_size[most - 1 :]
    kept = tuple(item for item in items if item not in small)
    return (*kept, Item("", rest, "", total(item.amount for item in small), Mode.PART))


def named(items: Iterable[Item]) -> tuple[Named, ...]:
    """The same for the books: which services of whom the receipt names, and how much of the money for each."""
    return tuple(Named(item.service, item.amount, item.provider) for item in items if item.service)


# --- Where the receipt is sent ----------------------------------------------------------------------


class Contact(msgspec.Struct, frozen=True):
    """A customer's e-mail or phone; *phone* is 11 digits, from 7. One of them is ''."""

    email: str = ""
    phone: str = ""

    @property
    def masked(self) -> str:
        """So much of it as its owner needs to know it by: `r…t@example.ru`, `+7 ••• •••-45-67`."""
        if self.phone:
            return f"+7 ••• •••-{self.phone[-4:-2]}-{self.phone[-2:]}"
        name, _, host = self.email.partition("@")
        return f"{name[0]}…{name[-1] if len(name) > 2 else ''}@{host}"


EMAIL_CHARS_MAX: Final = 254
_EMAIL: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}")


def read_contact(typed: str, need: ReceiptNeed) -> Contact | None:
    """The contact that was *typed*; None for what is none, or is not of the kind that is needed."""
    bare = typed.strip()
    if "@" in bare:
        whole = len(bare) <= EMAIL_CHARS_MAX and _EMAIL.fullmatch(bare) is not None and ".." not in bare
        return Contact(email=bare) if whole else None
    digits = re.sub(r"[\s()+.-]", "", bare)
    if need is ReceiptNeed.EMAIL or re.fullmatch(r"[78]?9[0-9]{9}", digits) is None:
        return None
    return Contact(phone=f"7{digits[-10:]}")


def suits(contact: Contact | None, need: ReceiptNeed) -> bool:
    """Whether *contact* is enough for a receipt that needs *need*."""
    match need:
        case ReceiptNeed.NONE:
            return True
        case ReceiptNeed.EMAIL:
            return contact is not None and contact.email != ""
        case ReceiptNeed.EMAIL_OR_PHONE:
            return contact is not None
