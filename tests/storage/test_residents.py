"""Consent makes a resident; what is kept about one is told as it is."""

from core.questions import MyDataOf, ResumeMessages, SetLanguage, StopMessages
from storage.database import Connection
from storage.residents import (
    give_consent,
    my_data_of,
    residents_of,
    resume_messages,
    set_language,
    stop_messages,
)
from tests.storage.making_residents import (
    NOW,
    consent,
    make_account,
    make_chat,
    make_linked,
    make_resident,
    seen,
)


async def test_nobody_is_known_before_consent(db: Connection) -> None:
    chat = await make_chat(db, "1")

    assert await residents_of(db, [chat]) == {chat: None}


async def test_each_chat_that_consents_gets_a_resident_of_its_own(db: Connection) -> None:
    chats = [await make_chat(db, str(name)) for name in range(3)]

    made = await give_consent(db, [consent(chat) for chat in chats])

    assert len({resident.id for resident in made}) == 3
    assert list((await residents_of(db, chats)).values()) == made


async def test_consent_is_recorded_with_its_text_and_time(db: Connection) -> None:
    chat = await make_chat(db, "1")
    [resident] = await give_consent(db, [consent(chat)])

    [kept] = await db.fetch("select * from consent")

    assert (kept["resident_id"], kept["chat_id"], kept["version"]) == (resident.id, chat, "2026-11")
    assert (kept["text_hash"], kept["given_at"], kept["withdrawn_at"]) == ("ab" * 32, NOW, None)


async def test_consenting_twice_records_one_consent(db: Connection) -> None:
    chat = await make_chat(db, "1")
    first = await give_consent(db, [consent(chat)])

    assert await give_consent(db, [consent(chat)]) == first

    assert await db.fetchval("select count(*) from consent") == 1


async def test_a_new_text_is_consented_to_anew(db: Connection) -> None:
    chat, _ = await make_resident(db, "1")

    await give_consent(db, [consent(chat, version="2027-01")])

    assert await db.fetchval("select count(*) from consent") == 2


async def test_what_is_kept_about_a_resident_is_told(db: Connection) -> None:
    account = await make_account(db)
    chat, resident, link = await make_linked(db, "1", account)
    await make_linked(db, "2", account)

    [data] = await my_data_of(db, [MyDataOf(resident)])

    assert [each.id for each in data.links] == [link]
    assert [(each.version, each.given_at) for each in data.consents] == [("2026-11", NOW)]
    assert (data.channels, data.readings, data.cases) == (("telegram",), 0, 0)
    assert await seen(db, chat) is not None


async def test_a_language_is_kept(db: Connection) -> None:
    chat = await make_chat(db, "1")

    await set_language(db, [SetLanguage(chat, "en")])

    assert await db.fetchval("select language from chat where id = $1", chat) == "en"


async def test_a_chat_that_stopped_and_one_that_blocked_are_told_apart_and_come_back(db: Connection) -> None:
    quiet, gone = await make_chat(db, "1"), await make_chat(db, "2")
    await stop_messages(db, [StopMessages(quiet, NOW), StopMessages(gone, NOW, gone=True)])
    stopped = await db.fetch("select muted_at, unreachable_at from chat order by id")

    await resume_messages(db, [ResumeMessages(quiet), ResumeMessages(gone)])

    assert [tuple(row.values()) for row in stopped] == [(NOW, None), (None, NOW)]
    back = await db.fetch("select from chat where muted_at is null and unreachable_at is null")
    assert len(back) == 2
