"""The centre's secret keys at work: keyed hashes of what must not be readable, sealed chat addresses."""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from core.errors import KvitokError

MASTER_BYTES_MIN: Final = 32
_NONCE_BYTES: Final = 12


class WeakKeyError(KvitokError):
    """A secret is too short to be a key."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name}: a key of at least {MASTER_BYTES_MIN} random bytes is needed")
        self.name = name


class UnreadableAddressError(KvitokError):
    """A sealed chat address was sealed with another key, or is damaged."""

    def __init__(self, channel: str) -> None:
        super().__init__(f"{channel}: a chat's address cannot be read with this centre's key")
        self.channel = channel


def strong(name: str, secret: bytes) -> bytes:
    """*secret* if it may be a key. Raises WeakKeyError, which calls it *name*."""
    if len(secret) < MASTER_BYTES_MIN:
        raise WeakKeyError(name)
    return secret


def code_hash(billing_key: bytes, code: str) -> bytes:
    """HMAC-SHA256 of the *code* on a paper bill, as billing computes it for `accounts.link_secret_hash`."""
    return hmac.digest(billing_key, code.encode(), "sha256")


def _derived(master: bytes, purpose: str, length: int = 32) -> bytes:
    return HKDFExpand(hashes.SHA256(), length, f"kvitok {purpose}".encode()).derive(master)


@dataclass(frozen=True, slots=True, repr=False)
class Keys:
    """One key a purpose. *billing* is shared with the billing system, all else is derived from our secret."""

    billing: bytes
    addresses: bytes
    seal: bytes
    numbers: bytes
    links: bytes
    payments: bytes
    contacts: bytes

    @classmethod
    def of(cls, *, master: bytes, billing: bytes) -> Keys:
        """The keys behind the centre's two secrets. Raises WeakKeyError for a short one."""
        for name, secret in (("KVITOK_SECRET_KEY", master), ("KVITOK_BILLING_KEY", billing)):
            strong(name, secret)
        return cls(
            billing=billing,
            addresses=_derived(master, "chat address hash"),
            seal=_derived(master, "chat address"),
            numbers=_derived(master, "typed number"),
            links=_derived(master, "paper bill link", 64),
            payments=_derived(master, "pay link"),
            contacts=_derived(master, "receipt contact"),
        )

    def code_hash(self, code: str) -> bytes:
        """What `account.link_secret_hash` holds for this code of a paper bill."""
        return code_hash(self.billing, code)

    def phone_hash(self, phone: str) -> bytes:
        """What `account.phone_hashes` holds for a phone of digits alone, a Russian one in 11 of them from 7."""
        return hmac.digest(self.billing, phone.encode(), "sha256")

    def number_hash(self, number: str) -> bytes:
        """Under what a typed account number is counted, whether it exists or not."""
        return hmac.digest(self.numbers, number.encode(), "sha256")

    def address_hash(self, channel: str, chat: str) -> bytes:
        """By what a platform's chat is found in table `chat`."""
        return hmac.digest(self.addresses, f"{channel}\n{chat}".encode(), "sha256")

    def sealed(self, channel: str, chat: str) -> bytes:
        """A platform's chat address, encrypted: different every time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.seal).encrypt(nonce, chat.encode(), channel.encode())

    def opened(self, channel: str, sealed: bytes) -> str:
        """The chat address that was sealed. Raises UnreadableAddressError."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.seal).decrypt(nonce, body, channel.encode()).decode()
        except InvalidTag as error:
            raise UnreadableAddressError(channel) from error

    def sealed_contact(self, contact: str) -> bytes:
        """Where receipts are sent, encrypted: different every time."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + AESGCM(self.contacts).encrypt(nonce, contact.encode(), None)

    def opened_contact(self, sealed: bytes) -> str | None:
        """The contact that was sealed; None where another key sealed it, or it is damaged."""
        nonce, body = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return AESGCM(self.contacts).decrypt(nonce, body, None).decode()
        except InvalidTag:
            return None

    def signed(self, plain: bytes, purpose: str) -> bytes:
        """*plain* encrypted and signed, the same every time: for tokens that must tell nothing."""
        return AESSIV(self.links).encrypt(plain, [purpose.encode()])

    def verified(self, token: bytes, purpose: str) -> bytes | None:
        """What was signed for *purpose*; None where the token is not ours."""
        try:
            return AESSIV(self.links).decrypt(token, [purpose.encode()])
        except InvalidTag:
            return None
