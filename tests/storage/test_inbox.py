"""An update's key is known once it was handled, today or on an earlier day."""

from storage import inbox
from storage.database import Connection

KEY = ("telegram", "7:1")


async def test_a_key_is_new_once(db: Connection) -> None:
    assert (await inbox.record(db, [KEY])).new == {KEY}
    assert (await inbox.record(db, [KEY, ("vk", "7:1")])).new == {("vk", "7:1")}


async def test_a_key_of_an_earlier_day_is_known(db: Connection) -> None:
    await db.execute("insert into inbox (day, channel, key) values (current_date - 5, $1, $2)", *KEY)

    assert (await inbox.record(db, [KEY, ("vk", "7:1")])).new == {("vk", "7:1")}
    assert await inbox.seen_earlier(db, [KEY, ("vk", "7:1")]) == {KEY}


async def test_a_key_is_known_though_the_clock_was_put_back_over_midnight(db: Connection) -> None:
    await db.execute("insert into inbox (day, channel, key) values (current_date + 1, $1, $2)", *KEY)

    assert (await inbox.record(db, [KEY])).new == set()


async def test_todays_key_is_not_taken_for_an_earlier_one(db: Connection) -> None:
    await inbox.record(db, [KEY])

    assert await inbox.seen_earlier(db, [KEY]) == set()


async def test_days_are_made_ahead_and_old_ones_dropped(db: Connection) -> None:
    await db.execute("insert into inbox (day, channel, key) values (current_date - 8, $1, $2)", *KEY)

    await inbox.roll(db)
    await inbox.roll(db)

    assert await db.fetchval("select count(*) from inbox") == 0
    days = "select count(*) from pg_inherits where inhparent = 'inbox'::regclass"
    assert await db.fetchval(days) == 4
