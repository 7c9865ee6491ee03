"""Files that a channel was given before, by its own ids of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from storage.database import Connection

# Uploads of these files that a channel knows already.
UPLOADS: Final = "select sha256, file from upload where channel = $1 and sha256 = any($2::bytea[])"

KEEP_UPLOADS: Final = """
insert into upload (channel, sha256, file)
select $1, sha256, file from unnest($2::bytea[], $3::text[]) as sent (sha256, file)
on conflict (channel, sha256) do update set file = excluded.file, uploaded_at = clock_timestamp()
"""


async def uploads_of(db: Connection, channel: str, digests: Sequence[str]) -> dict[str, str]:
    """The channel's own ids of files, by their SHA-256 in hexadecimal."""
    rows = await db.fetch(UPLOADS, channel, [bytes.fromhex(digest) for digest in digests])
    return {row["sha256"].hex(): row["file"] for row in rows}


async def keep_uploads(db: Connection, channel: str, files: dict[str, str]) -> None:
    """Remember the channel's ids of uploaded *files*, by SHA-256 in hexadecimal."""
    await db.execute(KEEP_UPLOADS, channel, [bytes.fromhex(digest) for digest in files], list(files.values()))
