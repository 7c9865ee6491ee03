"""What one chat has the engine do is bounded, however long it floods; people and events never feel it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from itertools import count

import pytest

from bots import arrivals
from bots.arrivals import CALM_S, TURN_S, TURNS_AT_ONCE_MAX, WAITING_PER_CHAT_MAX, Arrival, Arrivals
from bots.taking import Taken
from core.messages import Text
from core.turns import CaseAnswered, TooManyWaiting
from tests.storage.making_residents import KEYS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
_keys = count()


def an_arrival(chat: str = "one", *, event: int | None = None) -> Arrival:
    return Arrival(
        channel="telegram",
        key=str(next(_keys)),
        chat=chat if event is None else 7,
        order=0,
        sent_at=NOW,
        said=Text("хвс 124") if event is None else CaseAnswered(event, "Да."),
        taken=asyncio.get_running_loop().create_future(),
        event=event,
    )


def a_queue() -> Arrivals:
    return Arrivals(address_hash=KEYS.address_hash)


def taken_now(waiting: Arrivals, arrival: Arrival) -> Taken | None:
    """What *arrival* is told at once; None if it waits."""
    waiting.add(arrival)
    return arrival.taken.result() if arrival.taken.done() else None


def run(waiting: Arrivals, turns: int, chat: str = "one") -> list[Taken | None]:
    """Have *chat* send so many, each after the one before was run."""
    told = []
    for _ in range(turns):
        told.append(taken_now(waiting, an_arrival(chat)))
        for arrival in (batch := waiting.next_batch(1)):
            waiting.ran(arrival)
        waiting.over(batch)
    return told


async def test_a_chat_that_sends_without_end_is_run_so_often_and_no_more() -> None:
    waiting = a_queue()

    told = run(waiting, 2000)

    assert told.count(None) == pytest.approx(TURNS_AT_ONCE_MAX, abs=3)
    assert set(told[TURNS_AT_ONCE_MAX + 3 :]) == {Taken.DROPPED}


async def test_who_floods_is_told_once_and_others_are_heard() -> None:
    waiting = a_queue()
    run(waiting, TURNS_AT_ONCE_MAX + 1)

    for _ in range(500):
        waiting.add(an_arrival())

    said = [arrival.said for arrival in waiting.next_batch(10)]
    assert [type(each) for each in said] == [TooManyWaiting]
    assert taken_now(waiting, an_arrival("other")) is None


async def test_two_processes_tell_a_flood_under_one_key_and_the_next_under_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    processes, loop = (a_queue(), a_queue()), asyncio.get_running_loop()
    began_s = loop.time()
    keys = []
    for passed_s in (0.0, CALM_S):
        monkeypatch.setattr(arrivals, "time", lambda passed_s=passed_s: 1_795_000_000 + passed_s)
        monkeypatch.setattr(loop, "time", lambda passed_s=passed_s: began_s + passed_s)
        for waiting in processes:
            for _ in range(WAITING_PER_CHAT_MAX + 1):
                waiting.add(an_arrival())
            keys += [each.key for each in waiting.rest() if isinstance(each.said, TooManyWaiting)]

    assert len(keys) == 4
    assert keys[0] == keys[1] != keys[2] == keys[3]
    assert not any("one" in key for key in keys), "a chat's address is written down nowhere in clear"


async def test_who_paused_is_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, loop = a_queue(), asyncio.get_running_loop()
    run(waiting, TURNS_AT_ONCE_MAX + 1)
    dropped = taken_now(waiting, an_arrival())
    waiting.over(waiting.next_batch(1))
    later_s = loop.time() + 10 * TURN_S
    monkeypatch.setattr(loop, "time", lambda: later_s)

    again = run(waiting, 9)

    assert dropped is Taken.DROPPED
    assert set(again) == {None}


async def test_a_chat_waits_while_its_turn_is_run_and_others_do_not() -> None:
    waiting = a_queue()
    first, second, other = an_arrival(), an_arrival(), an_arrival("other")
    for arrival in (first, second):
        waiting.add(arrival)
    running = waiting.next_batch(10)
    waiting.add(other)

    beside = waiting.next_batch(10)
    waiting.over(running)

    assert (running, beside, waiting.next_batch(10)) == ([first], [other], [second])


async def test_all_that_waits_is_told_at_the_end_behind_a_running_turn_too() -> None:
    waiting = a_queue()
    first, second, other = an_arrival(), an_arrival(), an_arrival("other")
    waiting.add(first)
    waiting.next_batch(1)
    for arrival in (second, other):
        waiting.add(arrival)

    assert set(waiting.rest()) == {second, other}
    assert not len(waiting)


async def test_what_was_not_run_costs_its_chat_nothing() -> None:
    waiting = a_queue()

    for _ in range(10 * TURNS_AT_ONCE_MAX):
        assert taken_now(waiting, an_arrival()) is None
        waiting.over(waiting.next_batch(1))  # and the database is away: the platform comes again


async def test_a_chat_hears_of_all_events_however_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "WAITING_PER_CHAT_MAX", 3)
    waiting = a_queue()

    assert {taken_now(waiting, an_arrival(event=number)) for number in range(100)} == {None}


async def test_chats_that_went_silent_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    waiting, loop = a_queue(), asyncio.get_running_loop()
    for number in range(1000):
        run(waiting, 1, str(number))
    later_s = loop.time() + TURN_S
    monkeypatch.setattr(loop, "time", lambda: later_s)

    run(waiting, 1, "last")

    assert list(waiting._spent_until_s) == [("telegram", "last")]
