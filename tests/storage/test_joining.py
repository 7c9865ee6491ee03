"""Joining chats: once a code, links united within the limit, everybody told; and parting them again."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg
import pytest

from core.deep_links import join_code_in
from core.joining import (
    Inviter,
    InviterOf,
    JoinByCode,
    Joined,
    JoinedAlready,
    Joining,
    NoSuchCode,
    OpenInvitation,
    Unjoin,
)
from core.questions import (
    EraseResident,
    FreezeLink,
    Linked,
    MyDataOf,
    RenameLink,
    SetLanguage,
    TooManyLinks,
)
from core.turns import ChatJoined, Event, LinkAdded
from storage import events
from storage.database import Connection, Pool
from storage.erasing import erase_resident
from storage.joining import CODE_CHARS, CODE_LETTERS, inviter_of, join_by_code, open_invitation, unjoin
from storage.linking import freeze_link, rename_link
from storage.payments import keep_contact
from storage.residents import my_data_of, set_language
from tests.storage.making_residents import (
    NOW,
    link,
    make_account,
    make_linked,
    make_meter,
    make_resident,
    seen,
)

SOON = NOW + timedelta(minutes=1)


async def a_code(db: Connection, chat: int, *, at: datetime = NOW) -> str:
    [invitation] = await open_invitation(db, [OpenInvitation(chat, at)])
    return invitation.code


async def join(
    db: Connection, chat: int, code: str, *, at: datetime = SOON, accounts_max: int = 10
) -> Joining:
    [answer] = await join_by_code(db, [JoinByCode(chat, code, at, accounts_max)])
    return answer


async def part(db: Connection, chat: int, *, asker: int) -> bool:
    [answer] = await unjoin(db, [Unjoin(asker, chat, SOON)])
    return answer


async def accounts_seen(db: Connection, chat: int) -> list[tuple[int, str, bool]]:
    who = await seen(db, chat)
    return [(each.account, each.name, each.current) for each in who.links] if who else []


async def told(db: Connection) -> Sequence[tuple[int, Event]]:
    return [(each.chat, each.event) for each in await events.waiting(db, after=0, most=100)]


# --- The code ----------------------------------------------------------------------------------------


async def test_codes_are_random_and_only_their_hash_is_kept(db: Connection) -> None:
    chat, _ = await make_resident(db, "1")

    first, second = await a_code(db, chat), await a_code(db, chat)

    assert first != second
    assert join_code_in(first) == first
    assert len(CODE_LETTERS) ** CODE_CHARS >= 2**128
    assert second.encode() not in await db.fetchval("select code_hash from invitation")


async def test_a_code_joins_the_other_chat_to_the_same_resident(db: Connection) -> None:
    account = await make_account(db)
    inviting, resident, _ = await make_linked(db, "1", account)
    other, _ = await make_resident(db, "2", channel="vk")

    joined = await join(db, other, await a_code(db, inviting))

    assert joined == Joined("telegram", 1, "ru")
    who = await seen(db, other)
    assert who is not None
    assert (who.id, who) == (resident, await seen(db, inviting))


async def test_whoever_joins_leaves_where_their_receipts_went_behind(db: Connection) -> None:
    (inviting, mine), (other, joining) = await make_resident(db, "1"), await make_resident(db, "2")
    for resident in (mine, joining):
        await keep_contact(db, resident, b"sealed", now=NOW)

    await join(db, other, await a_code(db, inviting))

    assert [row["resident_id"] for row in await db.fetch("select resident_id from receipt_contact")] == [mine]


async def test_a_code_works_once(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    (other, _), (third, _) = await make_resident(db, "2"), await make_resident(db, "3")
    code = await a_code(db, inviting)

    await join(db, other, code)

    assert await join(db, third, code) == NoSuchCode()
    assert await join(db, other, code) == NoSuchCode()


async def test_a_code_works_for_ten_minutes(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    code = await a_code(db, inviting)

    assert await join(db, other, code, at=NOW + timedelta(minutes=10)) == NoSuchCode()
    assert isinstance(await join(db, other, code, at=NOW + timedelta(minutes=9, seconds=59)), Joined)


async def test_a_newer_code_of_the_chat_voids_the_one_before(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    old, new = await a_code(db, inviting), await a_code(db, inviting)

    assert await join(db, other, old) == NoSuchCode()
    assert isinstance(await join(db, other, new), Joined)


async def test_looking_at_a_code_does_not_use_it_up(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    code = await a_code(db, inviting)

    answers = await inviter_of(db, [InviterOf(each, code, SOON) for each in (other, inviting, other)])

    assert answers == [Inviter("telegram"), JoinedAlready(own=True), Inviter("telegram")]
    assert await inviter_of(db, [InviterOf(other, "join-none", SOON)]) == [NoSuchCode()]


async def test_a_code_used_in_its_own_chat_still_works_elsewhere(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    code = await a_code(db, inviting)

    assert await join(db, inviting, code) == JoinedAlready(own=True)
    assert isinstance(await join(db, other, code), Joined)
    assert await join(db, other, await a_code(db, inviting)) == JoinedAlready(own=False)


async def test_the_code_of_an_erased_resident_joins_nobody(db: Connection) -> None:
    inviting, resident = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    code = await a_code(db, inviting)

    async with db.transaction():
        await erase_resident(db, [EraseResident(resident, inviting, NOW)])

    assert await join(db, other, code) == NoSuchCode()


# --- What unites -------------------------------------------------------------------------------------


async def test_links_unite_and_the_inviting_chats_names_and_choice_win(db: Connection) -> None:
    both, mine, theirs = [await make_account(db, number) for number in ("00001", "00002", "00003")]
    inviting, resident, named = await make_linked(db, "1", both)
    await link(db, inviting, resident, mine)
    other, stranger, also = await make_linked(db, "2", both)
    await link(db, other, stranger, theirs)
    await rename_link(db, [RenameLink(resident, named, "дом"), RenameLink(stranger, also, "квартира")])

    joined = await join(db, other, await a_code(db, inviting))

    assert joined == Joined("telegram", 3, "ru")
    assert await accounts_seen(db, other) == [(both, "дом", False), (mine, "", True), (theirs, "", False)]


async def test_a_name_is_kept_where_the_inviting_chat_has_none(db: Connection) -> None:
    account = await make_account(db)
    inviting, _, _ = await make_linked(db, "1", account)
    other, stranger, also = await make_linked(db, "2", account)
    await rename_link(db, [RenameLink(stranger, also, "дача")])

    await join(db, other, await a_code(db, inviting))

    assert await accounts_seen(db, inviting) == [(account, "дача", True)]


async def test_the_current_account_of_a_chat_that_joins_nobody_with_accounts_stays(db: Connection) -> None:
    account = await make_account(db)
    inviting, _ = await make_resident(db, "1")
    other, _, _ = await make_linked(db, "2", account)

    await join(db, other, await a_code(db, inviting))

    assert await accounts_seen(db, inviting) == [(account, "", True)]


async def test_a_frozen_link_stays_frozen_by_whichever_side_it_came(db: Connection) -> None:
    account = await make_account(db)
    _, owner, _ = await make_linked(db, "0", account)
    inviting, _, _ = await make_linked(db, "1", account)
    other, _, frozen = await make_linked(db, "2", account)
    assert await freeze_link(db, [FreezeLink(owner, frozen, NOW)]) != [None]

    await join(db, other, await a_code(db, inviting))

    who = await seen(db, inviting)
    assert who is not None
    assert [each.frozen for each in who.links] == [True]
    assert who.current is None


async def test_more_links_than_one_may_have_are_refused_and_the_code_is_kept(db: Connection) -> None:
    first, second = await make_account(db, "00001"), await make_account(db, "00002")
    inviting, _, _ = await make_linked(db, "1", first)
    other, _, _ = await make_linked(db, "2", second)
    code = await a_code(db, inviting)

    assert await join(db, other, code, accounts_max=1) == TooManyLinks(1)
    assert await accounts_seen(db, other) == [(second, "", True)]
    assert await join(db, other, code, accounts_max=2) == Joined("telegram", 2, "ru")


async def test_the_joined_chat_speaks_the_inviting_ones_language(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    await set_language(db, [SetLanguage(inviting, "en")])

    assert await join(db, other, await a_code(db, inviting)) == Joined("telegram", 0, "en")
    assert await db.fetchval("select language from chat where id = $1", other) == "en"


async def test_each_chats_consent_is_its_own_and_what_was_begun_stays(db: Connection) -> None:
    inviting, resident = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    await db.execute("update chat set stage = 'begun here' where id = $1", other)

    await join(db, other, await a_code(db, inviting))

    consents = await db.fetch("select chat_id from consent where resident_id = $1 order by id", resident)
    assert [row["chat_id"] for row in consents] == [inviting, other]
    stages = await db.fetch("select stage from chat where id = any($1) order by id", [inviting, other])
    assert [row["stage"] for row in stages] == [None, "begun here"]


async def test_chats_that_were_joined_before_come_along(db: Connection) -> None:
    inviting, resident = await make_resident(db, "1")
    other, _ = await make_resident(db, "2", channel="vk")
    along, _ = await make_resident(db, "3", channel="ok")
    await join(db, along, await a_code(db, other))

    await join(db, other, await a_code(db, inviting))

    assert {who.id for chat in (inviting, other, along) if (who := await seen(db, chat))} == {resident}
    [invitation] = await open_invitation(db, [OpenInvitation(inviting, NOW)])
    assert invitation.joined == ("ok", "vk")


async def test_the_other_chats_hear_of_it(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2", channel="vk")
    along, _ = await make_resident(db, "3", channel="ok")
    await join(db, along, await a_code(db, other))

    await join(db, other, await a_code(db, inviting))

    assert await told(db) == [
        (other, ChatJoined(along, "ok")),
        (inviting, ChatJoined(other, "vk")),
        (inviting, ChatJoined(along, "ok")),
        (along, ChatJoined(inviting, "telegram")),
    ]


async def test_an_account_linked_in_one_chat_is_no_news_from_a_stranger_to_the_others(db: Connection) -> None:
    account = await make_account(db)
    owner, _, _ = await make_linked(db, "0", account)
    inviting, resident = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    await join(db, other, await a_code(db, inviting))

    await link(db, other, resident, account)

    assert [chat for chat, event in await told(db) if isinstance(event, LinkAdded)] == [owner]


# --- Parting -----------------------------------------------------------------------------------------


async def test_a_parted_chat_has_a_resident_of_its_own_without_links_and_its_consent(db: Connection) -> None:
    account = await make_account(db)
    inviting, resident, _ = await make_linked(db, "1", account)
    other, _ = await make_resident(db, "2")
    await join(db, other, await a_code(db, inviting))

    assert await part(db, other, asker=inviting)

    who = await seen(db, other)
    assert who is not None
    assert (who.id != resident, who.links) == (True, ())
    assert await db.fetchval("select resident_id from consent where chat_id = $1", other) == who.id
    assert await accounts_seen(db, inviting) == [(account, "", True)]


async def test_links_that_were_proven_in_the_parted_chat_end_for_all(db: Connection) -> None:
    mine, theirs = await make_account(db, "00001"), await make_account(db, "00002")
    inviting, _, _ = await make_linked(db, "1", mine)
    other, _, _ = await make_linked(db, "2", theirs)
    await join(db, other, await a_code(db, inviting))

    await part(db, other, asker=inviting)

    assert await accounts_seen(db, inviting) == [(mine, "", True)]
    assert await accounts_seen(db, other) == []


async def test_a_chat_may_part_from_the_others_itself(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    await join(db, other, await a_code(db, inviting))

    assert await part(db, other, asker=other)
    assert not await part(db, other, asker=other)


async def test_nobody_parts_a_strangers_chat(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    stranger, _ = await make_resident(db, "3")
    await join(db, other, await a_code(db, inviting))

    assert not await part(db, other, asker=stranger)
    assert not await part(db, 0, asker=inviting)
    assert await seen(db, other) == await seen(db, inviting)


async def test_a_code_that_a_parted_chat_made_is_void(db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    (other, _), (third, _) = await make_resident(db, "2"), await make_resident(db, "3")
    await join(db, other, await a_code(db, inviting))
    code = await a_code(db, other)

    await part(db, other, asker=inviting)

    assert await join(db, third, code) == NoSuchCode()


async def readings_of(db: Connection, chat: int) -> int:
    who = await seen(db, chat)
    assert who is not None
    [data] = await my_data_of(db, [MyDataOf(who.id)])
    return data.readings


async def test_readings_go_with_the_chat_that_handed_them_in(db: Connection) -> None:
    account = await make_account(db)
    await make_meter(db, account, serial="123456", readings=("100",))
    inviting, _, _ = await make_linked(db, "1", account)
    other, stranger, _ = await make_linked(db, "2", account)
    await db.execute("update reading set chat_id = $1, resident_id = $2", other, stranger)

    await join(db, other, await a_code(db, inviting))
    joined = await readings_of(db, inviting)
    await part(db, other, asker=inviting)

    assert (joined, await readings_of(db, inviting), await readings_of(db, other)) == (1, 0, 1)


# --- At once -----------------------------------------------------------------------------------------


async def joined_by(pool: Pool, chat: int, code: str, *, accounts_max: int = 10) -> Joining:
    async with pool.acquire() as db, db.transaction():
        return await join(db, chat, code, accounts_max=accounts_max)


async def test_of_two_chats_that_use_one_code_at_once_one_is_joined(pool: Pool, db: Connection) -> None:
    inviting, _ = await make_resident(db, "0")
    others = [(await make_resident(db, str(number)))[0] for number in range(1, 7)]
    code = await a_code(db, inviting)

    answers = await asyncio.gather(*(joined_by(pool, chat, code) for chat in others))

    assert sorted(type(answer).__name__ for answer in answers) == ["Joined"] + ["NoSuchCode"] * 5
    assert len(await told(db)) == 1


async def test_a_link_and_a_join_at_once_keep_to_the_limit(pool: Pool, db: Connection) -> None:
    mine, theirs, third = [await make_account(db, f"0000{number}") for number in range(3)]
    inviting, resident, _ = await make_linked(db, "1", mine)
    other, _, _ = await make_linked(db, "2", theirs)
    code = await a_code(db, inviting)

    async def link_third() -> object:
        async with pool.acquire() as connection, connection.transaction():
            return await link(connection, inviting, resident, third, accounts_max=2)

    linked, joined = await asyncio.gather(link_third(), joined_by(pool, other, code, accounts_max=2))

    assert isinstance(linked, Linked) != isinstance(joined, Joined)
    assert len(await accounts_seen(db, inviting)) == 2


async def test_two_chats_that_use_each_others_codes_at_once_are_joined_once(
    pool: Pool, db: Connection
) -> None:
    one, _ = await make_resident(db, "1")
    two, _ = await make_resident(db, "2")
    codes = await a_code(db, one), await a_code(db, two)

    await asyncio.gather(joined_by(pool, two, codes[0]), joined_by(pool, one, codes[1]))

    assert await seen(db, one) == await seen(db, two)
    assert len(await told(db)) == 1


async def test_a_chat_whose_turn_is_running_is_not_waited_for(pool: Pool, db: Connection) -> None:
    inviting, _ = await make_resident(db, "1")
    other, _ = await make_resident(db, "2")
    await join(db, other, await a_code(db, inviting))

    async with pool.acquire() as busy, busy.transaction():
        await busy.execute("select from chat where id = $1 for update", other)
        with pytest.raises(asyncpg.LockNotAvailableError):
            await part(db, other, asker=inviting)

    assert await seen(db, other) == await seen(db, inviting)
