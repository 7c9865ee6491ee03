"""What every channel must do, over the real path: stand-in, webhooks, engine, database, delivery.

A new adapter passes this whole; what sets its platform apart is its entry in `tests.platforms`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

import pytest
import pytest_asyncio
from aiohttp import web
from structlog.testing import capture_logs

from bots import wiring
from bots.configuration import Secrets
from bots.serving import serving
from bots.webhooks import BODY_BYTES_MAX
from core.fitting import fit
from core.messages import ContactButton, LinkButton, MessageClass, Reply, Table, press, say, text
from core.money import Money
from core.wording import Words
from storage.proof import verify
from tests.conforming import UNDELIVERED, Bench, Tried, all_heard, heard, on_the_bench
from tests.conftest import SECRETS, Town
from tests.platforms import PLATFORMS, SPECIALS, Post, dumped
from tests.talking import TALKS, ZONE

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEFT_OUT: Final = ("update.ignored", "update.unusable")
WORDS: Final = Words("ru", ZONE)
UNREACHABLE: Final = "select unreachable_at is not null from chat where id = $1"
STOPPED: Final = "select stopped_why is not null from bucket where channel = $1"
STATES: Final = "select array_agg(state order by id) from outbox where chat_id = $1"


@pytest_asyncio.fixture(params=PLATFORMS, loop_scope="module")
async def channel(request: pytest.FixtureRequest, bench: Bench) -> Any:
    """One channel after the other; whatever a test did to its platform is over after it."""
    tested = bench.channel(request.param)
    yield tested
    tested.stand_in.faults = type(tested.stand_in.faults)()
    bench.wire.times, bench.wire.holding = 1, False
    await tested.delivered(hurry=True)


# --- What comes in ------------------------------------------------------------------------------------


async def test_what_is_forged_is_forbidden_and_nothing_of_it_is_kept(channel: Tried) -> None:
    before = await channel.known()
    forged = [
        post for fields in channel.platform.in_need_of_proof for post in channel.platform.forged(fields)
    ]
    with capture_logs() as logged:
        answers = [await channel.post(post) for post in forged]

    assert {status for status, _ in answers} == {403}
    assert [line["event"] for line in logged] == ["webhook.forged"] * len(forged)
    assert await channel.known() == before


async def test_a_body_that_is_too_large_is_refused(channel: Tried) -> None:
    before = await channel.known()
    large = channel.platform.proven(dumped({"text": "ы" * BODY_BYTES_MAX}))
    status, _ = await channel.post(large)

    assert status == 413
    assert await channel.known() == before


async def test_what_is_authentic_and_cannot_be_read_is_accepted_with_a_line_in_the_log(
    channel: Tried,
) -> None:
    before = await channel.known()
    for body in channel.platform.unusable:
        with capture_logs() as logged:
            answer = await channel.post(channel.platform.proven(body))

        assert answer == (200, channel.platform.accepted), body
        (line,) = logged
        assert line["event"] in LEFT_OUT
        assert line["reason"]
    assert await channel.known() == before


async def test_an_event_of_a_kind_that_we_do_not_know_is_let_pass(channel: Tried) -> None:
    before = await channel.known()
    with capture_logs() as logged:
        answer = await channel.post(channel.platform.proven(dumped(channel.platform.unknown)))

    assert answer == (200, channel.platform.accepted)
    assert [line["event"] for line in logged] == ["update.ignored"]
    assert await channel.known() == before


async def test_everything_that_the_platform_may_post_is_accepted(channel: Tried) -> None:
    for name, fields in channel.platform.samples.items():
        status, _ = await channel.post(channel.platform.proven(dumped(fields)))

        assert status == 200, name
    await channel.delivered(hurry=True)
    await channel.greeted()


@pytest.mark.parametrize(("name", "post", "status", "answer"), SPECIALS)
async def test_what_a_platform_asks_besides_is_answered(
    name: str, post: Post, status: int, answer: bytes, bench: Bench
) -> None:
    channel = bench.channel(name)
    before = await channel.known()

    assert await channel.post(post) == (status, answer)
    assert await channel.known() == before


# --- Again, and in another order ----------------------------------------------------------------------


async def test_what_is_delivered_again_changes_nothing_and_is_accepted(channel: Tried) -> None:
    wire, phone = channel.bench.wire, await channel.newcomer()
    wire.passed.clear()
    await heard(phone, "помощь")
    await phone.press("Меню")
    assert await phone.next() is not None
    await channel.delivered()
    known = await channel.known()

    statuses = await wire.again(*(post for _, post in wire.passed * 2))

    assert set(statuses) == {200}
    await channel.delivered()
    assert (await channel.known(), await all_heard(phone)) == (known, [])


@pytest.mark.parametrize("name", PLATFORMS)
async def test_a_talk_of_which_every_update_comes_twice_goes_as_written(name: str, town: Town) -> None:
    async with on_the_bench(town) as bench:
        bench.wire.times = 2
        await bench.channel(name).talk().replay("readings", TALKS["readings"])

        async with bench.pool.acquire() as db:
            assert not await verify(db)


async def test_what_comes_in_the_wrong_order_is_answered_once_each(channel: Tried) -> None:
    wire, phone = channel.bench.wire, await channel.newcomer()
    said = ["помощь", "контакты", "язык"]
    answers = await heard(phone, *said)
    wire.passed.clear()
    wire.holding = True
    for words in said:
        await phone.do("say", text=words)
    while len(wire.passed) < len(said):  # noqa: ASYNC110  # a stand-in that posts sets no event
        await asyncio.sleep(0.005)
    wire.holding = False

    posts = [post for _, post in reversed(wire.passed)]
    statuses = await wire.again(*posts, *posts)

    assert set(statuses) == {200}
    await channel.delivered()
    assert sorted(await all_heard(phone)) == sorted(answers)


# --- What goes out ------------------------------------------------------------------------------------


async def test_replies_come_in_the_order_of_what_they_answer(channel: Tried) -> None:
    phone = await channel.newcomer()
    said = ["помощь", "контакты", "язык", "меню", "помощь", "контакты"]
    answers = await heard(phone, *said)
    channel.stand_in.faults = channel.platform.busy(times=2)
    for words in said:
        await phone.do("say", text=words)
    await channel.until("select count(*) from outbox where chat_id = $1", 13, await channel.last_chat())
    await channel.delivered(hurry=True)

    assert await all_heard(phone) == answers


async def test_a_message_whose_answer_was_lost_arrives(channel: Tried) -> None:
    phone = await channel.newcomer()
    chat = await channel.last_chat()
    channel.stand_in.faults = channel.platform.losing(times=1)
    await channel.tell(chat, "один", message_class=MessageClass.REPLY)
    await channel.delivered(hurry=True)

    assert await all_heard(phone) == ["один"] * (1 + channel.platform.repeats)
    assert (await channel.one(STATES, chat))[-1] == "sent"


async def test_a_confirmation_that_may_come_twice_says_so(channel: Tried) -> None:
    phone = await channel.newcomer()
    channel.stand_in.faults = channel.platform.losing(times=1)
    await channel.tell(await channel.last_chat(), "Оплата получена", message_class=MessageClass.CONFIRMATION)
    await channel.delivered(hurry=True)

    repeat = WORDS.plain(text("sent-again")) + "\nОплата получена"
    assert await all_heard(phone) == ["Оплата получена", repeat][: 1 + channel.platform.repeats]


async def test_a_platform_that_is_too_busy_is_asked_again_when_it_said_and_at_no_cost(
    channel: Tried,
) -> None:
    phone = await channel.newcomer()
    chat = await channel.last_chat()
    channel.stand_in.faults = channel.platform.busy(times=1)
    await channel.tell(chat, "один", "два")
    await channel.until("select count(*) from outbox where chat_id = $1 and state = 'sending'", 0, chat)
    waits = """
    select greatest(due_at, held_until) > clock_timestamp() from lane join bucket using (channel)
    where chat_id = $1
    """
    await channel.until(waits, True, chat)
    assert await all_heard(phone) == []

    await channel.delivered(hurry=True)

    assert await all_heard(phone) == ["один", "два"]
    tries = "select array_agg(distinct attempts) from outbox where chat_id = $1"
    assert await channel.one(tries, chat) == [1]


async def test_a_resident_who_blocked_the_bot_is_left_alone_and_heard_when_they_are_back(
    channel: Tried,
) -> None:
    phone = await channel.newcomer()
    chat = await channel.last_chat()
    await phone.do("block")
    await channel.tell(chat, "один")
    await channel.until(UNREACHABLE, True, chat)
    await channel.delivered()
    calls = len(channel.stand_in.calls)
    await channel.tell(chat, "два")
    await channel.delivered()
    left_alone = len(channel.stand_in.calls) - calls

    await phone.do("unblock")
    await phone.do("say", text="помощь")

    assert await phone.next() is not None
    assert left_alone <= 1
    assert await channel.one(UNREACHABLE, chat) is False
    assert await all_heard(phone) == []


async def test_a_platform_that_refuses_the_token_holds_the_queue_until_a_restart(channel: Tried) -> None:
    phone, other = await channel.newcomer(), await channel.newcomer()
    answers = await heard(phone, "помощь", "контакты")
    await channel.delivered()
    channel.stand_in.faults = channel.platform.refusing()
    with capture_logs() as logged:
        await phone.do("say", text="помощь")
        await channel.until(STOPPED, True, channel.name)
        await other.do("say", text="помощь")
        await phone.do("say", text="контакты")
        await channel.until(UNDELIVERED, 3, channel.name)
        await channel.pass_time()
    channel.stand_in.faults = type(channel.stand_in.faults)()
    await channel.pass_time()

    assert await channel.one(UNDELIVERED, channel.name) == 3
    assert ("channel.stopped", "error") in [(line["event"], line["log_level"]) for line in logged]

    async with a_second_process(channel.bench):
        await channel.delivered(hurry=True)

    assert await all_heard(phone) == answers
    assert await all_heard(other) == answers[:1]


def a_second_process(bench: Bench) -> Any:
    """Another process of the service, on the same database, as a restart brings it."""
    parts = wiring.parts_of(
        bench.configuration, Secrets(SECRETS), pool=bench.pool, http=bench.http, clock=bench.around.clock
    )
    return serving(parts, web.Application())


LONG: Final = "Ёлка & <b>жирно</b> *звезда* _черта_ [скобка](x) `код` 💧👨‍👩‍👧 "
ENORMOUS: Final[dict[str, Reply]] = {
    "words": say(*[text("verbatim", text=LONG * 16)] * 22),
    "one long word": say(*[text("verbatim", text="ы" * 1000)] * 9),
    "pictograms": say(*[text("verbatim", text="💧" * 1000)] * 9),
    "a table": say(Table(tuple((f"Услуга «{LONG}» {n}", Money(10**9 + n)) for n in range(80)))),
    "many buttons": say(
        text("help-text"),
        keyboard=tuple(
            tuple(press("verbatim", f"a:{row}:{at}".ljust(64, "x"), text=f"💧 {LONG}") for at in range(9))
            for row in range(30)
        ),
    ),
    "links and a contact": say(
        text("verbatim", text="Куда"),
        keyboard=(
            (ContactButton(text("verbatim", text="Телефон" * 20)),),
            *(
                (LinkButton(text("verbatim", text=f"{LONG} {n}"), f"https://example.org/p/{'x' * 300}"),)
                for n in range(4)
            ),
            (press("menu-button", "menu"),),
        ),
    ),
}


@pytest.mark.parametrize("reply", ENORMOUS.values(), ids=ENORMOUS)
async def test_the_platform_takes_whatever_fitting_makes_of_the_largest_replies(
    reply: Reply, channel: Tried
) -> None:
    phone = await channel.newcomer()
    chat = await channel.last_chat()
    able = channel.bench.around.service.turning.voices[channel.name].capabilities
    calls = len(channel.stand_in.calls)
    messages = fit(reply, words=WORDS, within=able).messages
    await channel.say(chat, messages)
    await channel.delivered(hurry=True)

    refused = [each for each in list(channel.stand_in.calls)[calls:] if channel.platform.is_refusal(each)]
    assert refused == []
    assert list(getattr(channel.stand_in, "not_shown", ())) == []
    assert len(await all_heard(phone)) >= len(messages)


# --- What a resident does besides writing -------------------------------------------------------------


async def test_a_press_is_acknowledged_once_also_when_it_is_delivered_again(channel: Tried) -> None:
    wire, phone = channel.bench.wire, await channel.newcomer()
    await heard(phone, "помощь")
    wire.passed.clear()
    calls = len(channel.stand_in.calls)
    await phone.press("Меню")
    assert await phone.next() is not None
    await wire.again(*(post for _, post in wire.passed))
    await channel.delivered()
    await heard(phone, "помощь")

    answers = [each for each in list(channel.stand_in.calls)[calls:] if channel.platform.answers_press(each)]
    assert len(answers) == channel.platform.presses


@pytest.mark.parametrize("sent", ["photo", "voice", "sticker", "location", "document"])
async def test_what_is_no_text_is_answered_in_words(sent: str, channel: Tried) -> None:
    phone = await channel.newcomer()
    if sent == "photo":
        await phone.do("photo", caption="счётчик")
    else:
        await phone.do("send", kind=sent)

    answer = await phone.next()

    assert answer is not None
    assert answer["text"]
    await channel.delivered()
    assert await all_heard(phone) == []
