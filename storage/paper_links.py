"""The paper bill's deep link: a token that fills an account number in and proves nothing.

It holds the number and the bill's month, encrypted and signed, so that a link tells nobody anything.
A bill of the account that is the second one after that month ends it.
"""

from __future__ import annotations

import base64
import binascii
import struct
from typing import Final

import msgspec

from core.deep_links import PAPER_PREFIX, TOKEN_CHARS_MAX
from core.messages import Month
from storage.keys import Keys

_PURPOSE: Final = "paper bill"
_MONTH: Final = struct.Struct(">HB")


class PaperLink(msgspec.Struct, frozen=True):
    """What a token says: whose bill it was printed on, and the bill's month."""

    number: str
    period: Month


def paper_token(keys: Keys, link: PaperLink) -> str:
    """The token to print on a bill, at most 64 characters of `A-Za-z0-9_-`.

    Raises ValueError for a number too long to fit (25 characters do).
    """
    plain = _MONTH.pack(link.period.year, link.period.month) + link.number.encode()
    token = PAPER_PREFIX + _spelt(keys.signed(plain, _PURPOSE))
    if len(token) > TOKEN_CHARS_MAX:
        raise ValueError("the account number is too long for a deep link")
    return token


def _spelt(signed: bytes) -> str:
    return base64.urlsafe_b64encode(signed).decode().rstrip("=")


def read_paper_token(keys: Keys, token: str) -> PaperLink | None:
    """What *token* says; None where it is forged, cut short or no token at all."""
    encoded = token.removeprefix(PAPER_PREFIX)
    try:
        signed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    plain = keys.verified(signed, _PURPOSE)
    # Base64 spells the same bytes in several ways; ours is one.
    if plain is None or token != PAPER_PREFIX + _spelt(signed):
        return None
    year, month = _MONTH.unpack_from(plain)
    return PaperLink(plain[_MONTH.size :].decode(), Month(year, month))
