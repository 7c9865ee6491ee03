"""What staff do about cases and links: once, for a reason, and on record."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from core.questions import FreezeLink, Linked, LinkFrozen, OpenCase, Unlink
from core.tries import NUMBER_DAY_MAX
from core.turns import LinkUnfrozen
from storage.cases import open_case
from storage.database import Connection
from storage.linking import freeze_link, unlink
from storage.proofs import try_proof
from tests.commanding import kvitok
from tests.conftest import Database
from tests.storage.making_residents import (
    KEYS,
    NOW,
    NUMBER,
    a_try,
    link,
    make_account,
    make_chat,
    make_linked,
    make_resident,
    seen,
)

ACTIONS = "select action, why, account_id, link_id, case_id from staff_action order by id"


@pytest.fixture(autouse=True)
def clerk(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clerk, at a command line that reaches the test's database."""
    monkeypatch.delenv("KVITOK_DATABASE_DIRECT_URL", raising=False)
    monkeypatch.setenv("KVITOK_DATABASE_URL", database.app)
    monkeypatch.setenv("KVITOK_SECRET_KEY", "m" * 32)
    monkeypatch.setenv("KVITOK_BILLING_KEY", "b" * 32)
    monkeypatch.setenv("SUDO_USER", "anna")


# --- Cases -------------------------------------------------------------------------------------------


async def a_case(db: Connection, chat: int | None) -> str:
    [number] = await open_case(db, [OpenCase("question", chat, None, (("question", "Почему?"),), NOW)])
    return str(number)


async def test_cases_alone_lists_the_open_ones_or_says_that_there_is_none(db: Connection) -> None:
    none = await kvitok("cases")
    await a_case(db, await make_chat(db, "1"))
    one = await kvitok("cases")

    assert (none.status, none.out) == (0, "No open cases.\n")
    assert "question" in one.out


async def test_a_case_is_answered_once_and_again_only_when_that_is_meant(db: Connection) -> None:
    case = await a_case(db, await make_chat(db, "1"))

    first = await kvitok("cases", "answer", case, "Потому что.")
    second = await kvitok("cases", "answer", case, "Потому что!")
    meant = await kvitok("cases", "answer", case, "И ещё.", "--again")

    assert (first.status, second.status, meant.status) == (0, 1, 0)
    assert f"case {case} was answered by anna on " in second.line
    assert "--again" in second.line
    assert await db.fetchval("select count(*) from event") == 2
    shown = await kvitok("cases", "show", case)
    assert ", anna): И ещё." in shown.out


async def test_an_answer_that_no_chat_will_hear_does_not_say_that_one_will(db: Connection) -> None:
    ended = await kvitok("cases", "answer", await a_case(db, None), "Ясно.")

    assert (ended.status, ended.out) == (0, "Kept; no chat belongs to this case.\n")


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["answer", "{case}", "Поздно."], "case {case} is closed on "),
        (["close", "{case}"], "case {case} is closed on "),
        (["answer", "77", "Кому?"], "there is no case 77"),
        (["answer", "{case}", " "], "the answer is empty"),
        (["photo", "{case}", "--out", "x.jpg"], "case {case}: there is no photo 1, it has none"),
    ],
)
async def test_what_cannot_be_done_about_a_case_is_told_and_not_recorded(
    db: Connection, typed: list[str], said: str
) -> None:
    case = await a_case(db, await make_chat(db, "1"))
    await kvitok("cases", "close", case)

    ended = await kvitok("cases", *(word.format(case=case) for word in typed))

    assert ended.status == 1
    assert said.format(case=case) in ended.line
    assert [row["action"] for row in await db.fetch(ACTIONS)] == ["close"]


# --- Links -------------------------------------------------------------------------------------------


async def a_frozen_link(db: Connection, account: int) -> tuple[int, int, int]:
    """A link that who had the account before does not know: its chat, resident and number."""
    _, owner, _ = await make_linked(db, "1", account)
    chat, resident, newer = await make_linked(db, "2", account)
    await freeze_link(db, [FreezeLink(owner, newer, NOW)])
    return chat, resident, newer


async def test_a_frozen_link_is_given_back_for_a_reason_and_its_resident_is_told(db: Connection) -> None:
    account = await make_account(db)
    chat, _, newer = await a_frozen_link(db, account)
    await open_case(db, [OpenCase("foreign_link", None, account, (("link", str(newer)),), NOW)])
    listed = await kvitok("links", "show", NUMBER)

    ended = await kvitok("links", "unfreeze", NUMBER, str(newer), "--why", "паспорт, супруг")

    assert "frozen" in listed.out
    assert ended.status == 0
    assert "Case 1 about it is open" in ended.out
    who = await seen(db, chat)
    assert who is not None
    assert who.current is not None
    assert who.current.id == newer
    told = "select chat_id, body from event order by id desc limit 1"
    [event] = await db.fetch(told)
    assert event["chat_id"] == chat
    assert msgspec.json.decode(event["body"], type=LinkUnfrozen) == LinkUnfrozen(account)
    recorded = [tuple(row) for row in await db.fetch(ACTIONS)]
    assert recorded == [
        ("look", "", account, None, None),
        ("unfreeze", "паспорт, супруг", account, newer, None),
    ]


async def test_who_unlinked_a_frozen_account_may_link_it_again_once_it_is_unfrozen(db: Connection) -> None:
    account = await make_account(db)
    chat, resident, newer = await a_frozen_link(db, account)
    await unlink(db, [Unlink(resident, newer, NOW)])
    assert await link(db, chat, resident, account) == LinkFrozen()

    ended = await kvitok("links", "unfreeze", NUMBER, str(newer), "--why", "ошибка")

    assert "no chat to tell" in ended.out
    assert isinstance(await link(db, chat, resident, account), Linked)


async def test_a_link_of_another_account_is_not_unfrozen_by_mistake(db: Connection) -> None:
    _, _, newer = await a_frozen_link(db, await make_account(db))
    await make_account(db, "0012345679")

    ended = await kvitok("links", "unfreeze", "0012345679", str(newer), "--why", "опечатка")

    assert ended.status == 1
    assert f"account 0012345679 has no frozen link {newer}" in ended.line
    assert await db.fetchval("select frozen_at is not null from account_link where id = $1", newer)
    assert await db.fetch(ACTIONS) == []


async def test_an_account_on_hold_is_released_once_and_on_record(db: Connection) -> None:
    account = await make_account(db)
    now = datetime.now(UTC)
    for name in range(NUMBER_DAY_MAX):
        await try_proof(db, [a_try(await make_chat(db, str(name)), at=now)], keys=KEYS)

    listed = await kvitok("links", "show", NUMBER)
    first = await kvitok("links", "release", NUMBER, "--why", "звонок, паспорт сверен")
    again = await kvitok("links", "release", NUMBER, "--why", "ещё раз")

    assert "Linking is on hold until" in listed.out
    assert (first.status, again.status) == (0, 1)
    assert again.line == f"kvitok: linking account {NUMBER} is not on hold"
    assert [tuple(row)[:3] for row in await db.fetch(ACTIONS)] == [
        ("look", "", account),
        ("release", "звонок, паспорт сверен", account),
    ]


async def test_nobody_is_linked_is_said_in_words(db: Connection) -> None:
    await make_account(db)
    await make_resident(db, "1")

    ended = await kvitok("links", "show", NUMBER)

    assert (ended.status, ended.out) == (0, f"Nobody is linked to account {NUMBER}.\n")


async def test_the_record_is_not_for_the_app_to_change(db: Connection) -> None:
    allowed = "select has_table_privilege('staff_action', 'update, delete, truncate')"

    assert await db.fetchval(allowed) is False
