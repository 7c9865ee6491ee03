"""Links: how many there may be, which is current, who hears of a new one, and who may freeze it."""

import asyncio

import msgspec

from core.joining import Unjoin
from core.messages import Month
from core.questions import (
    AccountsByPhone,
    AlreadyLinked,
    ChooseLink,
    EraseResident,
    FreezeLink,
    Frozen,
    Linked,
    LinkFrozen,
    NumberBehind,
    RenameLink,
    TooManyLinks,
    TooManyResidents,
    Unlink,
)
from core.turns import LinkAdded
from storage.database import Connection, Pool
from storage.erasing import erase_resident
from storage.joining import unjoin
from storage.linking import accounts_by_phone, choose_link, freeze_link, number_behind, rename_link, unlink
from storage.links_for_staff import unfreeze
from storage.paper_links import PaperLink, paper_token
from tests.storage.making_residents import (
    KEYS,
    NOW,
    NUMBER,
    link,
    make_account,
    make_bill,
    make_chat,
    make_linked,
    make_resident,
    seen,
)


async def test_a_linked_account_is_current_and_shown_masked(db: Connection) -> None:
    account = await make_account(db)
    chat, resident = await make_resident(db, "1")

    linked = await link(db, chat, resident, account)

    assert isinstance(linked, Linked)
    assert linked.others == 0
    assert linked.link.address == "ул. С…ей, д. 4а, кв. •2"
    who = await seen(db, chat)
    assert who is not None
    assert who.current == linked.link


async def test_the_last_linked_account_is_the_current_one(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    chat, resident = await make_resident(db, "1")

    await link(db, chat, resident, first)
    await link(db, chat, resident, second)

    who = await seen(db, chat)
    assert who is not None
    assert [(each.account, each.current) for each in who.links] == [(first, False), (second, True)]


async def test_linking_twice_makes_the_account_current_again(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    chat, resident = await make_resident(db, "1")
    await link(db, chat, resident, first)
    await link(db, chat, resident, second)

    again = await link(db, chat, resident, first)

    assert isinstance(again, AlreadyLinked)
    assert again.link.current


async def test_a_resident_has_so_many_accounts_and_no_more(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    chat, resident = await make_resident(db, "1")
    await link(db, chat, resident, first)

    assert await link(db, chat, resident, second, accounts_max=1) == TooManyLinks(1)


async def test_an_account_has_so_many_residents_and_no_more(db: Connection) -> None:
    account = await make_account(db)
    await make_linked(db, "1", account)
    chat, resident = await make_resident(db, "2")

    assert await link(db, chat, resident, account, residents_max=1) == TooManyResidents(1)


async def test_residents_who_link_at_once_are_counted_one_by_one(pool: Pool) -> None:
    async with pool.acquire() as db:
        account = await make_account(db)
        who = [await make_resident(db, str(name)) for name in range(8)]

    async def once(chat: int, resident: int) -> object:
        async with pool.acquire() as db, db.transaction():
            await db.execute("set local lock_timeout = '20s'")  # a busy machine is no refusal
            return await link(db, chat, resident, account)

    answers = await asyncio.gather(*(once(*each) for each in who))

    assert sum(isinstance(answer, Linked) for answer in answers) == 5


async def test_the_accounts_other_chats_hear_of_a_new_link(db: Connection) -> None:
    account = await make_account(db)
    before, *_ = await make_linked(db, "1", account)
    _, _, added = await make_linked(db, "2", account)

    [event] = await db.fetch("select chat_id, body from event")

    assert event["chat_id"] == before
    assert msgspec.json.decode(event["body"], type=LinkAdded) == LinkAdded(added, account, "telegram")


async def test_one_who_had_the_account_before_may_freeze_a_new_link(db: Connection) -> None:
    account = await make_account(db)
    _, owner, _ = await make_linked(db, "1", account)
    chat, _, newer = await make_linked(db, "2", account)

    [frozen] = await freeze_link(db, [FreezeLink(owner, newer, NOW)])

    assert frozen == Frozen(account, (chat,))
    who = await seen(db, chat)
    assert who is not None
    assert who.current is None


async def test_a_newcomer_may_not_freeze_who_had_the_account_before(db: Connection) -> None:
    account = await make_account(db)
    _, _, older = await make_linked(db, "1", account)
    _, newcomer, _ = await make_linked(db, "2", account)

    assert await freeze_link(db, [FreezeLink(newcomer, older, NOW)]) == [None]


async def test_a_stranger_may_freeze_nothing(db: Connection) -> None:
    _, stranger, _ = await make_linked(db, "1", await make_account(db))
    _, _, link_of_another = await make_linked(db, "2", await make_account(db, "0012345679"))

    assert await freeze_link(db, [FreezeLink(stranger, link_of_another, NOW)]) == [None]


async def test_a_frozen_link_cannot_be_got_round_by_unlinking(db: Connection) -> None:
    account = await make_account(db)
    _, owner, _ = await make_linked(db, "1", account)
    chat, resident, newer = await make_linked(db, "2", account)
    await freeze_link(db, [FreezeLink(owner, newer, NOW)])

    assert await unlink(db, [Unlink(resident, newer, NOW)]) == [True]

    assert await link(db, chat, resident, account) == LinkFrozen()


async def test_a_frozen_link_cannot_be_got_round_by_erasing_and_coming_back(db: Connection) -> None:
    account = await make_account(db)
    _, owner, _ = await make_linked(db, "1", account)
    chat, resident, newer = await make_linked(db, "2", account)
    await freeze_link(db, [FreezeLink(owner, newer, NOW)])
    await erase_resident(db, [EraseResident(resident=resident, chat=chat, at=NOW)])

    again, newcomer = await make_resident(db, "2")

    assert await link(db, again, newcomer, account) == LinkFrozen()
    assert await unfreeze(db, newer, account=account, now=NOW) is not None
    assert isinstance(await link(db, again, newcomer, account), Linked)


async def test_another_chat_of_the_frozen_one_cannot_leave_the_freeze_behind(db: Connection) -> None:
    account = await make_account(db)
    _, owner, _ = await make_linked(db, "1", account)
    chat, resident, newer = await make_linked(db, "2", account)
    second = await make_chat(db, "3")
    await db.execute("update chat set resident_id = $1 where id = $2", resident, second)
    await freeze_link(db, [FreezeLink(owner, newer, NOW)])

    assert await unjoin(db, [Unjoin(asker=chat, chat=second, at=NOW)]) == [True]

    alone = await db.fetchval("select resident_id from chat where id = $1", second)
    assert await link(db, second, alone, account) == LinkFrozen()


async def test_a_freeze_is_of_its_account_alone(db: Connection) -> None:
    account, another = await make_account(db), await make_account(db, "0012345679")
    _, owner, _ = await make_linked(db, "1", account)
    chat, resident, newer = await make_linked(db, "2", account)
    await freeze_link(db, [FreezeLink(owner, newer, NOW)])

    assert isinstance(await link(db, chat, resident, another), Linked)


async def test_another_account_is_current_once_the_current_one_is_unlinked(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    chat, resident = await make_resident(db, "1")
    await link(db, chat, resident, first)
    linked = await link(db, chat, resident, second)
    assert isinstance(linked, Linked)

    assert await unlink(db, [Unlink(resident, linked.link.id, NOW)]) == [True]
    assert await unlink(db, [Unlink(resident, linked.link.id, NOW)]) == [False]

    who = await seen(db, chat)
    assert who is not None
    assert who.current is not None
    assert who.current.account == first


async def test_only_ones_own_links_are_named_chosen_and_ended(db: Connection) -> None:
    account = await make_account(db)
    chat, _, link_of_one = await make_linked(db, "1", account)
    _, other, _ = await make_linked(db, "2", account)

    assert await rename_link(db, [RenameLink(other, link_of_one, "дом")]) == [False]
    assert await choose_link(db, [ChooseLink(other, link_of_one)]) == [False]
    assert await unlink(db, [Unlink(other, link_of_one, NOW)]) == [False]
    who = await seen(db, chat)
    assert who is not None
    assert who.current is not None


async def test_a_link_has_the_residents_own_name(db: Connection) -> None:
    chat, resident, number = await make_linked(db, "1", await make_account(db))

    assert await rename_link(db, [RenameLink(resident, number, "дача")]) == [True]

    who = await seen(db, chat)
    assert who is not None
    assert [each.name for each in who.links] == ["дача"]


async def test_an_account_is_chosen(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    chat, resident, number = await make_linked(db, "1", first)
    await link(db, chat, resident, second)

    assert await choose_link(db, [ChooseLink(resident, number)]) == [True]

    who = await seen(db, chat)
    assert who is not None
    assert who.current is not None
    assert who.current.account == first


async def test_a_bills_link_lasts_until_the_next_but_one_bill(db: Connection) -> None:
    account = await make_account(db, totals=(100,))
    token = paper_token(KEYS, PaperLink(NUMBER, Month(2026, 10)))

    async def number() -> str | None:
        [found] = await number_behind(db, [NumberBehind(token)], keys=KEYS)
        return found

    assert await number() == NUMBER
    await make_bill(db, account, month=11, total=100)
    assert await number() == NUMBER
    await make_bill(db, account, month=12, total=100)
    assert await number() is None


async def test_a_link_that_is_not_ours_leads_nowhere(db: Connection) -> None:
    await make_account(db)
    token = paper_token(KEYS, PaperLink("7777777777", Month(2026, 10)))

    asked = [NumberBehind("bill-" + "A" * 43), NumberBehind(""), NumberBehind(token)]

    assert await number_behind(db, asked, keys=KEYS) == [None, None, None]


# --- Phones on file ----------------------------------------------------------------------------------


async def test_open_accounts_are_found_by_a_phone_on_file_however_it_is_written(db: Connection) -> None:
    first, second = await make_account(db), await make_account(db, "0012345679")
    closed, _ = await make_account(db, "0012345680"), await make_account(db, "0012345681")
    on_file = [KEYS.phone_hash("79035550102"), KEYS.phone_hash("79035550103")]
    await db.execute(
        "update account set phone_hashes = $1 where id = any($2::bigint[])", on_file, [first, second, closed]
    )
    await db.execute("update account set closed_on = '2026-01-01' where id = $1", closed)
    phones = ["+79035550102", "8 (903) 555-01-03", "+79035550104", "+79035550102"]

    found = await accounts_by_phone(db, [AccountsByPhone(phone) for phone in phones], keys=KEYS)

    assert found == [(first, second), (first, second), (), (first, second)]
