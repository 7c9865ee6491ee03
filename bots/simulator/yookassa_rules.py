"""What YooKassa refuses of a creation and of a refund: each rule by the parameter that its refusal names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Final

KEY: Final = re.compile(r"[0-9a-zA-Z+\-_.]{1,64}")
AMOUNT: Final = re.compile(r"\d{1,9}\.\d{2}")
MOST: Final = Decimal(700_000)
KNOWN: Final = frozenset(
    {
        "amount",
        "capture",
        "description",
        "metadata",
        "confirmation",
        "receipt",
        "payment_order",
        "payment_method_data",
        "merchant_customer_id",
        "client_ip",
        "statements",
        "save_payment_method",
    }
)


def money_of(told: Any) -> Decimal | None:
    """A sum in roubles; None for what is none: a number instead of a text is none."""
    if not isinstance(told, Mapping) or told.get("currency") != "RUB":
        return None
    value = told.get("value")
    if not isinstance(value, str) or AMOUNT.fullmatch(value) is None:
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def mistake_in(body: Any, *, utilities: bool) -> str | None:
    """The parameter by which *body* is refused; None if it is a payment."""
    return next(_mistakes(body, utilities=utilities), None)


def _mistakes(body: Any, *, utilities: bool) -> Iterator[str]:
    if not isinstance(body, Mapping):
        yield "body"
        return
    yield from sorted(set(body) - KNOWN)
    amount = money_of(body.get("amount"))
    if amount is None or not 1 <= amount <= MOST:
        yield "amount.value"
        return
    if len(body.get("description", "")) > 128:
        yield "description"
    yield from _metadata(body.get("metadata", {}))
    confirmation = body.get("confirmation", {})
    if confirmation.get("type") == "redirect" and not _is_address(confirmation.get("return_url")):
        yield "confirmation.return_url"
    if (order := body.get("payment_order")) is not None:
        yield from _payment_order(order, amount)
    elif utilities:
        yield "payment_order"
    if (receipt := body.get("receipt")) is not None:
        yield from _receipt(receipt, amount)


def mistake_in_refund(body: Mapping[str, Any], paid: Mapping[str, Any], amount: Decimal) -> str | None:
    """The parameter by which a refund of *amount* of what was *paid* is refused: a part needs its own receipt."""
    if unknown := sorted(set(body) - {"payment_id", "amount", "description", "receipt", "metadata"}):
        return unknown[0]
    receipt, sold = body.get("receipt"), paid.get("receipt")
    if receipt is None:
        whole = amount == money_of(paid["amount"])
        return None if sold is None or whole else "receipt"
    return "receipt" if sold is None else next(_receipt(receipt, amount), None)


def reason_against(returned: Sequence[Mapping[str, Any]], paid: Mapping[str, Any]) -> str | None:
    """Why all these lines cannot have been returned of what was *paid*; None if they can."""
    sold = {line["description"]: line for line in paid.get("receipt", {}).get("items", [])}
    sums: dict[str, Decimal] = {}
    for line in returned:
        name = line["description"]
        if name not in sold or line["vat_code"] != sold[name]["vat_code"]:
            return "payment_article_number_not_found"
        sums[name] = sums.get(name, Decimal(0)) + (money_of(line["amount"]) or Decimal(0))
    over = [name for name, sum_ in sums.items() if sum_ > (money_of(sold[name]["amount"]) or Decimal(0))]
    return "too_many_refunding_articles" if over else None


def _metadata(metadata: Mapping[str, Any]) -> Iterator[str]:
    if len(metadata) > 16 or any(len(name) > 32 for name in metadata):
        yield "metadata"
    if any(not isinstance(value, str) or len(value) > 512 for value in metadata.values()):
        yield "metadata"


def _is_address(url: Any) -> bool:
    return isinstance(url, str) and url.startswith(("https://", "http://")) and len(url) <= 2048


def _payment_order(order: Mapping[str, Any], amount: Decimal) -> Iterator[str]:
    if order.get("type") != "utilities":
        yield "payment_order.type"
    if money_of(order.get("amount")) != amount:
        yield "payment_order.amount"
    if not 1 <= len(order.get("payment_purpose", "")) <= 210:
        yield "payment_order.payment_purpose"
    to = order.get("recipient", {})
    bank = to.get("bank", {})
    digits = {"inn": (to, 10), "bic": (bank, 9), "account": (bank, 20), "correspondent_account": (bank, 20)}
    for name, (where, length) in digits.items():
        if re.fullmatch(rf"\d{{{length}}}", where.get(name, "")) is None:
            yield f"payment_order.recipient.{name}"
    if not to.get("name") or not 1 <= len(bank.get("name", "")) <= 45:
        yield "payment_order.recipient.name"
    if "kpp" in to and re.fullmatch(r"\d{9}", to["kpp"]) is None:
        yield "payment_order.recipient.kpp"
    yield from _whose(order)


def _whose(order: Mapping[str, Any]) -> Iterator[str]:
    lengths = {
        "payment_document_id": (18, 18),
        "payment_document_number": (1, 30),
        "account_number": (1, 30),
        "unified_account_number": (10, 10),
        "service_id": (13, 13),
    }
    told = {name: order[name] for name in lengths if name in order}
    if not told:
        yield "payment_order.account_number"
    for name, value in told.items():
        least, most = lengths[name]
        if not least <= len(value) <= most:
            yield f"payment_order.{name}"
    period = order.get("payment_period", {"month": 1, "year": 2020})
    if not (1 <= period.get("month", 0) <= 12 and 1920 <= period.get("year", 0) <= 2050):
        yield "payment_order.payment_period"


def _receipt(receipt: Mapping[str, Any], amount: Decimal) -> Iterator[str]:
    customer = receipt.get("customer", {})
    phone = customer.get("phone")
    if not customer.get("email") and (phone is None or re.fullmatch(r"7\d{10}", phone) is None):
        yield "receipt.customer"
    items = receipt.get("items", [])
    if not 1 <= len(items) <= 80:
        yield "receipt.items"
    for item in items:
        yield from _item(item)
    sums = [money_of(item.get("amount")) or Decimal(0) for item in items]
    if sum(price * item.get("quantity", 0) for price, item in zip(sums, items, strict=True)) != amount:
        yield "receipt.items"


def _item(item: Mapping[str, Any]) -> Iterator[str]:
    modes = {"full_prepayment", "partial_prepayment", "advance", "full_payment", "partial_payment", "credit"}
    if not 1 <= len(item.get("description", "")) <= 128:
        yield "receipt.items.description"
    if item.get("vat_code") not in range(1, 13):
        yield "receipt.items.vat_code"
    if item.get("measure") not in {"piece", "cubic_meter", "kilowatt_hour", "gigacalorie", "another"}:
        yield "receipt.items.measure"
    if item.get("payment_mode") not in modes:
        yield "receipt.items.payment_mode"
    if item.get("payment_subject") not in {"service", "payment", "commodity", "agent_commission"}:
        yield "receipt.items.payment_subject"
