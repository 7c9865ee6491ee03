"""Files are kept by content, found by an address alone, and forgotten with their chat or their time."""

import hashlib
from datetime import UTC, datetime, timedelta

from core.channel import RenderedFile
from storage import files
from storage.database import Connection
from storage.files import StoredFile
from tests.storage.making_residents import make_chat

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def a_file(body: bytes = b"%PDF-1.7", name: str = "Квитанция.pdf") -> RenderedFile:
    return RenderedFile(name, "application/pdf", body, hashlib.sha256(body).hexdigest())


async def kept(db: Connection, chat: int, *, file: RenderedFile | None = None) -> str:
    """The token of a file that is kept for a day."""
    given = await files.keep(db, [file or a_file()], chat=chat, expires_at=NOW + DAY)
    [token] = given.values()
    return token


async def stored(db: Connection) -> tuple[int, int]:
    counted = await db.fetchrow(
        "select (select count(*) from stored_file) as bodies, (select count(*) from file_address) as addresses"
    )
    assert counted is not None
    return counted["bodies"], counted["addresses"]


async def test_a_file_is_found_by_its_token(db: Connection) -> None:
    token = await kept(db, await make_chat(db, "one"))

    assert await files.find(db, token, now=NOW) == StoredFile("Квитанция.pdf", "application/pdf", b"%PDF-1.7")


async def test_an_address_expires(db: Connection) -> None:
    token = await kept(db, await make_chat(db, "one"))

    assert await files.find(db, token, now=NOW + DAY) is None


async def test_nothing_else_finds_a_file(db: Connection) -> None:
    token = await kept(db, await make_chat(db, "one"))

    for guess in ("", token[:-1], token + "A", token.swapcase(), a_file().sha256, "\x00", "\udcff"):
        assert await files.find(db, guess, now=NOW) is None


async def test_a_token_has_128_bits_of_chance_and_is_not_kept(db: Connection) -> None:
    chat = await make_chat(db, "one")
    tokens = [await kept(db, chat) for _ in range(50)]

    rows = await db.fetch("select token_hash from file_address")

    assert len({*tokens}) == 50
    assert {len(token) for token in tokens} == {22}
    assert {row["token_hash"] for row in rows} == {hashlib.sha256(each.encode()).digest() for each in tokens}


async def test_the_same_bytes_are_kept_once(db: Connection) -> None:
    for name in ("one", "other"):
        await kept(db, await make_chat(db, name))

    assert await stored(db) == (1, 2)


async def test_what_expired_is_forgotten(db: Connection) -> None:
    await kept(db, await make_chat(db, "one"))
    await db.execute("update stored_file set kept_at = kept_at - interval '1 hour'")

    await files.forget(db, now=NOW)
    assert await stored(db) == (1, 1)

    await files.forget(db, now=NOW + DAY)
    assert await stored(db) == (0, 0)


async def test_with_an_erased_chat_its_files_are_gone_at_once(db: Connection) -> None:
    chat = await make_chat(db, "one")
    token = await kept(db, chat)
    await db.execute("update stored_file set kept_at = kept_at - interval '1 hour'")
    await db.execute("update chat set erased_at = $1 where id = $2", NOW, chat)

    assert await files.find(db, token, now=NOW) is None

    await files.forget(db, now=NOW)
    assert await stored(db) == (0, 0)


async def test_bytes_that_were_just_kept_wait_for_their_address(db: Connection) -> None:
    chat = await make_chat(db, "one")
    await kept(db, chat)
    await db.execute("delete from file_address")

    await files.forget(db, now=NOW)

    assert await stored(db) == (1, 0)
