"""Replies behind one-time links: sealed with the link's own token, spent by one press, gone in ten minutes.

Of a token only the hash is kept, so the row alone tells neither who may see the reply nor what it says.
A page is void once its chat is another resident's or erased, or one of the links it was worded for has ended.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import asyncpg
import msgspec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.showing import Shown
from core.turns import Resident
from storage.database import Connection

LIFETIME: Final = timedelta(minutes=10)
# How often the documents of a page may be fetched: they are drawn for it, and who looks fetches each a few times.
FETCHES_MAX: Final = 40
TOKEN_BYTES: Final = 16
_NONCE_BYTES: Final = 12

_DECODER: Final = msgspec.json.Decoder(Shown)


class Issued(msgspec.Struct, frozen=True):
    """A page for *chat* under a new *token*; *links* are its resident's account links that may be used now."""

    token: str
    chat: int
    resident: int | None
    links: tuple[int, ...]
    shown: Shown

    @classmethod
    def to(cls, resident: Resident | None, *, chat: int, shown: Shown) -> Issued:
        """A page for *chat* and the *resident* that it has, with the links that may be used now."""
        links = tuple(link.id for link in resident.links if not link.frozen) if resident else ()
        return cls(new_token(), chat, resident.id if resident else None, links, shown)


class Page(msgspec.Struct, frozen=True):
    """A page that may still be opened, until *expires_at*; *seen*: by the browser that asks, already."""

    shown: Shown
    expires_at: datetime
    seen: bool


def new_token() -> str:
    """128 random bits, as an address holds them."""
    return secrets.token_urlsafe(TOKEN_BYTES)


ADD: Final = """
insert into shown_page (token_hash, chat_id, resident_id, link_ids, body, expires_at)
values ($1, $2, $3, $4, $5, $6)
"""


async def add(db: Connection, pages: Sequence[Issued], *, now: datetime) -> None:
    """Keep *pages*, each for ten minutes."""
    rows = [
        (
            _hash_of(page.token),
            page.chat,
            page.resident,
            list(page.links),
            _sealed(page.shown, page.token),
            now + LIFETIME,
        )
        for page in pages
    ]
    if rows:
        await db.executemany(ADD, rows)


# The page behind a token that is not over, if it is still for whom it was.
FIND: Final = """
select page.body, page.expires_at, page.spent_at, page.cookie_hash
from shown_page as page
join chat on chat.id = page.chat_id
where page.token_hash = $1 and page.expires_at > $2
  and chat.erased_at is null and chat.resident_id is not distinct from page.resident_id
  and cardinality(page.link_ids) = (
    select count(*) from account_link
    where id = any(page.link_ids) and unlinked_at is null and frozen_at is null
  )
"""


async def find(db: Connection, token: str, *, cookie: str | None, now: datetime) -> Page | None:
    """The page behind *token*: fresh, or spent by the browser that holds *cookie*; None for anyone else."""
    row = await db.fetchrow(FIND, _hash_of(token), now)
    if row is None:
        return None
    if row["spent_at"] is None:
        return _page(row, token, seen=False)
    if cookie is None or not secrets.compare_digest(row["cookie_hash"], _hash_of(cookie)):
        return None
    return _page(row, token, seen=True)


def _page(row: asyncpg.Record, token: str, *, seen: bool) -> Page:
    return Page(_opened(row["body"], token), row["expires_at"], seen)


# Spends a page that nobody has spent; of two presses at once, one.
SPEND: Final = """
update shown_page set spent_at = $2, cookie_hash = $3 where token_hash = $1 and spent_at is null
"""


async def spend(db: Connection, token: str, *, now: datetime) -> str | None:
    """Spend the page behind *token*; the new cookie that it may be seen again with, None if it was spent."""
    cookie = new_token()
    done = await db.execute(SPEND, _hash_of(token), now, _hash_of(cookie))
    return cookie if done == "UPDATE 1" else None


# Counts one more fetch of a document of a page that was spent, if it may be fetched again.
COUNT_FETCH: Final = """
update shown_page set fetches = fetches + 1 where token_hash = $1 and spent_at is not null and fetches < $2
"""


async def count_fetch(db: Connection, token: str) -> bool:
    """Whether a document of the page behind *token* may be fetched once more, now counted."""
    return await db.execute(COUNT_FETCH, _hash_of(token), FETCHES_MAX) == "UPDATE 1"


# Ends pages that are over or whose chat was erased.
FORGET: Final = """
delete from shown_page using chat
where chat.id = shown_page.chat_id and (expires_at <= $1 or chat.erased_at is not null)
"""


async def forget(db: Connection, *, now: datetime) -> None:
    """Drop what nobody may see any more."""
    await db.execute(FORGET, now)


# --- Sealing --------------------------------------------------------------------------------------


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


def _key_of(token: str) -> bytes:
    # Another hash than the one that is kept; 128 random bits need no slow one.
    return hashlib.sha256(b"kvitok shown page\n" + token.encode(errors="surrogateescape")).digest()


def _sealed(shown: Shown, token: str) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(_key_of(token)).encrypt(nonce, msgspec.json.encode(shown), None)


def _opened(body: bytes, token: str) -> Shown:
    return _DECODER.decode(AESGCM(_key_of(token)).decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], None))
