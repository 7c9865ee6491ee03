"""Cases: opened by talks, added to by their own chats, answered by staff into the chat."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from core.questions import AddToCase, OpenCase
from core.turns import CaseAnswered
from storage.cases import add_to_case, answer_case, close_case, forget, list_cases, open_case, show_case
from storage.database import Connection
from tests.storage.making_residents import NOW, NUMBER, make_account, make_chat


async def opened(db: Connection, chat: int, account: int | None = None) -> int:
    [case] = await open_case(db, [OpenCase("question", chat, account, (("question", "Почему?"),), NOW)])
    return case


async def test_cases_of_a_batch_are_numbered_in_the_order_of_turns(db: Connection) -> None:
    chat = await make_chat(db, "1")
    asked = [OpenCase("question", chat, None, (("question", str(no)),), NOW) for no in range(3)]

    numbers = await open_case(db, asked)

    assert numbers == sorted(numbers)
    shown = [await show_case(db, number) for number in numbers]
    assert [case.facts for case in shown if case] == [{"question": "0"}, {"question": "1"}, {"question": "2"}]


async def test_staff_see_the_accounts_number(db: Connection) -> None:
    case = await opened(db, await make_chat(db, "1"), await make_account(db))

    shown = await show_case(db, case)

    assert shown is not None
    assert (shown.account, shown.state, shown.facts) == (NUMBER, "open", {"question": "Почему?"})


async def test_a_second_photo_does_not_replace_the_first(db: Connection) -> None:
    chat = await make_chat(db, "1")
    case = await opened(db, chat)

    added = await add_to_case(
        db, [AddToCase(case, chat, (("photo", "A"),)), AddToCase(case, chat, (("photo", "B"),))]
    )

    shown = await show_case(db, case)
    assert added == [True, True]
    assert shown is not None
    assert shown.facts == {"question": "Почему?", "photo": "A", "photo_2": "B"}


async def test_nobody_adds_to_a_case_of_another_chat(db: Connection) -> None:
    case = await opened(db, await make_chat(db, "1"))
    other = await make_chat(db, "2")

    assert await add_to_case(db, [AddToCase(case, other, (("photo", "A"),))]) == [False]


async def test_an_answer_goes_to_the_chat_that_asked(db: Connection) -> None:
    chat = await make_chat(db, "1")
    case = await opened(db, chat)

    assert await answer_case(db, case, "Потому что.", now=NOW) is True

    [event] = await db.fetch("select chat_id, body from event")
    assert event["chat_id"] == chat
    assert msgspec.json.decode(event["body"], type=CaseAnswered) == CaseAnswered(case, "Потому что.")


async def test_a_closed_case_is_not_answered(db: Connection) -> None:
    case = await opened(db, await make_chat(db, "1"))
    assert await close_case(db, case, now=NOW)

    assert await answer_case(db, case, "Поздно.", now=NOW) is None
    assert await close_case(db, case, now=NOW) is False
    assert await show_case(db, case + 1) is None


async def test_open_cases_are_listed_oldest_first(db: Connection) -> None:
    chat = await make_chat(db, "1")
    first, second, closed = [await opened(db, chat) for _ in range(3)]
    await close_case(db, closed, now=NOW)

    assert [case.number for case in await list_cases(db)] == [first, second]
    assert len(await list_cases(db, state=None)) == 3


# --- What is kept no longer --------------------------------------------------------------------------


async def told(db: Connection, kind: str, *facts: tuple[str, str]) -> int:
    [case] = await open_case(db, [OpenCase(kind, await make_chat(db, "1"), None, facts, NOW)])
    return case


async def kept(db: Connection, case: int, *, days: int) -> tuple[Mapping[str, Any], str]:
    await forget(db, now=NOW + timedelta(days=days, seconds=1))
    shown = await show_case(db, case)
    assert shown is not None
    return shown.facts, shown.state


async def test_a_captions_words_go_after_30_days_and_its_photo_after_90(db: Connection) -> None:
    value = ("value_1", "987654")
    case = await told(db, "reading_impossible", value, ("photo", "A"), ("caption", "Анна"))
    await add_to_case(db, [AddToCase(case, await make_chat(db, "1"), (("photo", "B"), ("caption", "ещё")))])

    assert len((await kept(db, case, days=29))[0]) == 5
    assert await kept(db, case, days=30) == ({"value_1": "987654", "photo": "A", "photo_2": "B"}, "open")
    assert await kept(db, case, days=90) == ({"value_1": "987654"}, "open")


async def test_a_case_that_was_a_photo_alone_is_over_with_it(db: Connection) -> None:
    case = await told(db, "meter_photo", ("photo", "A"))

    assert await kept(db, case, days=30) == ({"photo": "A"}, "open")
    assert await kept(db, case, days=90) == ({}, "closed")


async def test_a_question_and_its_answer_go_30_days_after_the_answer(db: Connection) -> None:
    case = await told(db, "question", ("question", "Почему?"))
    await answer_case(db, case, "Потому что.", now=NOW + timedelta(days=20))

    assert await kept(db, case, days=49) == ({"question": "Почему?"}, "answered")
    assert await kept(db, case, days=50) == ({}, "closed")
    assert await db.fetchval("select answer from staff_case where id = $1", case) is None


async def test_a_question_that_nobody_answered_in_30_days_is_over(db: Connection) -> None:
    case = await told(db, "question", ("question", "Почему?"), ("language", "ru"))

    assert await kept(db, case, days=30) == ({"language": "ru"}, "closed")
