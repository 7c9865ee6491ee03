"""Files that a platform fetches: kept by content, found by an address that cannot be guessed and expires.

An address is as good as the file, so of its token only the hash is kept, and with the chat that it was made
for it ends.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from core.channel import RenderedFile
from storage.database import Connection

TOKEN_BYTES: Final = 16


class StoredFile(msgspec.Struct, frozen=True):
    """A file as whoever knows its address gets it."""

    name: str
    media_type: str
    body: bytes


# Keeps bytes that are not there yet, and marks those that are as used just now.
KEEP_BODIES: Final = """
insert into stored_file (sha256, body, media_type)
select distinct on (sha256) sha256, body, media_type
from unnest($1::bytea[], $2::bytea[], $3::text[]) as kept (sha256, body, media_type)
order by sha256
on conflict (sha256) do update set kept_at = clock_timestamp()
"""

# Gives each of these files an address of its own.
GIVE_ADDRESSES: Final = """
insert into file_address (token_hash, sha256, name, chat_id, expires_at)
select token_hash, sha256, name, $4, $5
from unnest($1::bytea[], $2::bytea[], $3::text[]) as given (token_hash, sha256, name)
"""


async def keep(
    db: Connection, files: Sequence[RenderedFile], *, chat: int, expires_at: datetime
) -> dict[str, str]:
    """Keep *files* for *chat* until *expires_at*; the new token of each, by its sha256."""
    tokens = {file.sha256: secrets.token_urlsafe(TOKEN_BYTES) for file in files}
    contents = [bytes.fromhex(file.sha256) for file in files]
    await db.execute(
        KEEP_BODIES, contents, [file.body for file in files], [file.media_type for file in files]
    )
    named = {file.sha256: file.name for file in files}
    await db.execute(
        GIVE_ADDRESSES,
        [_hash_of(token) for token in tokens.values()],
        [bytes.fromhex(sha256) for sha256 in tokens],
        [named[sha256] for sha256 in tokens],
        chat,
        expires_at,
    )
    return tokens


# The file behind a token that has not expired and whose chat was not erased.
FIND: Final = """
select file_address.name, stored_file.media_type, stored_file.body
from file_address
join stored_file using (sha256)
join chat on chat.id = file_address.chat_id
where token_hash = $1 and expires_at > $2 and chat.erased_at is null
"""


async def find(db: Connection, token: str, *, now: datetime) -> StoredFile | None:
    """The file behind *token*; None if there is none, or no longer."""
    row = await db.fetchrow(FIND, _hash_of(token), now)
    return None if row is None else StoredFile(row["name"], row["media_type"], row["body"])


# Ends addresses that expired or whose chat was erased.
END_ADDRESSES: Final = """
delete from file_address using chat
where chat.id = file_address.chat_id and (expires_at <= $1 or chat.erased_at is not null)
"""

# Drops bytes that no address leads to. Those of the last minute may be about to get one.
DROP_BODIES: Final = """
delete from stored_file
where kept_at < clock_timestamp() - interval '1 minute'
  and not exists (select from file_address where file_address.sha256 = stored_file.sha256)
"""


async def forget(db: Connection, *, now: datetime) -> None:
    """Drop what nobody may fetch any more."""
    await db.execute(END_ADDRESSES, now)
    await db.execute(DROP_BODIES)


def _hash_of(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
