"""What a register.do gateway refuses of a registration and of a refund: an error code, and the parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

NUMBER_CHARS_MAX: Final = 32
URL_CHARS_MAX: Final = 512
DESCRIPTION_CHARS_MAX: Final = 512
ITEM_CHARS_MAX: Final = 100
KNOWN: Final = frozenset(
    [
        "userName",
        "password",
        "token",
        "orderNumber",
        "amount",
        "currency",
        "returnUrl",
        "failUrl",
        "description",
        "language",
        "sessionTimeoutSecs",
        "jsonParams",
        "email",
        "phone",
        "orderBundle",
    ]
)
REFUND_KNOWN: Final = frozenset(
    ["userName", "password", "token", "orderId", "amount", "language", "jsonParams"]
)
KNOWN_BY: Final = ("positionId", "name", "itemCode")


def mistake_in(asked: Mapping[str, Any], *, forms: bool) -> tuple[int, str] | None:
    """The error code and the parameter by which a registration is refused; None if it is an order."""
    if unknown := sorted(set(asked) - KNOWN):
        return 4, unknown[0]
    number, amount = asked.get("orderNumber", ""), asked.get("amount")
    if not 1 <= len(number) <= NUMBER_CHARS_MAX:
        return 4, "orderNumber"
    digits = isinstance(amount, str) and amount.isdigit() if forms else type(amount) is int
    if not digits or int(str(amount)) < 1:
        return 5, "amount"
    if asked.get("currency", "643") != "643":
        return 3, "currency"
    if not str(asked.get("returnUrl", "")).startswith(("http://", "https://")):
        return 4, "returnUrl"
    if len(asked["returnUrl"]) > URL_CHARS_MAX or len(asked.get("description", "")) > DESCRIPTION_CHARS_MAX:
        return 5, "description"
    if forms and set(asked.get("description", "")) & set("%+\n\r"):
        return 5, "description"
    bundle = asked.get("orderBundle")
    return None if bundle is None else _mistake_in_bundle(bundle, asked)


def _mistake_in_bundle(bundle: Mapping[str, Any], asked: Mapping[str, Any]) -> tuple[int, str] | None:
    if not asked.get("email") and not str(asked.get("phone", "")).startswith("+7"):
        return 4, "email"
    items = bundle.get("cartItems", {}).get("items", [])
    if bundle.get("ffdVersion") not in {"1.05", "1.2"} or bundle.get("receiptType") != "sell":
        return 4, "ffdVersion"
    if len({item.get("itemCode") for item in items}) != len(items) or not items:
        return 4, "itemCode"
    for item in items:
        newer = bundle["ffdVersion"] == "1.2"
        if not 1 <= len(item.get("name", "")) <= ITEM_CHARS_MAX or len(item["itemCode"]) > ITEM_CHARS_MAX:
            return 5, "name"
        if newer != ("measure" in item.get("quantity", {})) or newer == ("measurementUnit" in item):
            return 5, "quantity"
        if len(item.get("supplierInfo", {}).get("inn", " " * 12)) != 12:
            return 5, "supplierInfo"
    if sum(item["itemAmount"] for item in items) != int(asked["amount"]) or bundle.get("total") != int(
        asked["amount"]
    ):
        return 8, "total"
    return None


def lines_of(asked: Mapping[str, Any], *, forms: bool) -> list[dict[str, Any]]:
    """The lines of a cart: of an order, or of a refund in this dialect."""
    cart = asked.get("refundItems", {}) if forms else asked.get("orderBundle", {}).get("cartItems", {})
    lines: list[dict[str, Any]] = cart.get("items", [])
    return lines


def mistake_in_refund(
    asked: Mapping[str, Any], sold: Mapping[str, Any], amount: int, *, forms: bool
) -> tuple[int, str] | None:
    """The error code and the parameter by which a refund is refused; a part of a cart has to say which part."""
    cart = "refundItems" if forms else "orderBundle"
    if unknown := sorted(set(asked) - REFUND_KNOWN - {cart}):
        return 4, unknown[0]
    if cart not in asked:
        return None if "orderBundle" not in sold or amount == int(sold["amount"]) else (4, cart)
    if not forms and asked[cart].get("receiptType") != "sell_refund":
        return 4, "receiptType"
    lines = lines_of(asked, forms=forms)
    there = {tuple(item[name] for name in KNOWN_BY) for item in lines_of(sold, forms=False)}
    if not lines or any(tuple(item.get(name) for name in KNOWN_BY) not in there for item in lines):
        return 5, "positionId"
    if sum(item["itemAmount"] for item in lines) != amount:
        return 8, "amount"
    return None if forms or asked[cart].get("total") == amount else (8, "total")
