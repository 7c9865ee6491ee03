"""Where money goes by bank transfer, and the check digits that catch a mistyped account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import cycle
from typing import Final

import msgspec

# Weights of the digits of an account behind those of its bank (the Bank of Russia's rule for account keys).
_WEIGHTS: Final = (7, 1, 3)
_INN_WEIGHTS: Final = (2, 4, 10, 3, 5, 9, 4, 6, 8)
_PERSON_INN_WEIGHTS: Final = ((7, 2, 4, 10, 3, 5, 9, 4, 6, 8), (3, 7, 2, 4, 10, 3, 5, 9, 4, 6, 8))


class Requisites(msgspec.Struct, frozen=True):
    """The centre's own account, to which residents pay by bank transfer.

    *category* and *service* are what the centre's bank wants to find in a payment QR, if anything.
    """

    name: str
    inn: str
    kpp: str
    bank_account: str
    bank_name: str
    bik: str
    corr_account: str
    category: str = ""
    service: str = ""


def faults(requisites: Requisites) -> Iterator[tuple[str, str]]:
    """What cannot be right in *requisites*: the field, and what is accepted there."""
    fits_bank = re.fullmatch(r"\d{9}", requisites.bik) is not None
    if not requisites.name.strip():
        yield "name", "a text"
    if not requisites.bank_name.strip():
        yield "bank_name", "a text"
    if not is_inn(requisites.inn):
        yield "inn", "10 or 12 digits of which the last are check digits"
    if re.fullmatch(r"(\d{9})?", requisites.kpp) is None:
        yield "kpp", "9 digits, or nothing"
    if not fits_bank:
        yield "bik", "9 digits"
    if fits_bank and not is_account(requisites.bank_account, requisites.bik):
        yield "bank_account", "20 digits with the check digit that this BIK gives"
    if fits_bank and requisites.corr_account and not is_account(requisites.corr_account, requisites.bik):
        yield "corr_account", "20 digits with the check digit that this BIK gives, or nothing"


def is_account(account: str, bik: str) -> bool:
    """Whether *account* can be one of the bank of *bik*: the account's own key says so."""
    if re.fullmatch(r"\d{20}", account) is None:
        return False
    # An account with the Bank of Russia (correspondent, treasury) is keyed by the region's digits.
    at_central_bank = account.startswith(("301", "03"))
    bank = f"0{bik[4:6]}" if at_central_bank else bik[-3:]
    products = (int(digit) * weight for digit, weight in zip(bank + account, cycle(_WEIGHTS), strict=False))
    return sum(product % 10 for product in products) % 10 == 0


def is_inn(inn: str) -> bool:
    """Whether *inn* has the check digits of a taxpayer's number: of an organisation, or of a person."""
    if re.fullmatch(r"\d{10}|\d{12}", inn) is None:
        return False
    if len(inn) == 10:
        return _key(inn, _INN_WEIGHTS) == inn[9]
    return all(_key(inn, weights) == inn[len(weights)] for weights in _PERSON_INN_WEIGHTS)


def _key(digits: str, weights: tuple[int, ...]) -> str:
    products = (int(digit) * weight for digit, weight in zip(digits, weights, strict=False))
    return str(sum(products) % 11 % 10)
