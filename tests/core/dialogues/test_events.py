"""What a chat is told unasked has a form for any channel, by whose button the whole is asked for."""

import pytest

from core.conversation import Idle
from core.dialogues.events import happened, show
from core.driving import replay
from core.messages import DataClass, MessageClass
from core.money import Money
from core.privacy import Ceiling, permitted, withheld
from core.questions import EventOf, PaymentOf, Settled, StatementOf
from core.turns import CaseAnswered, Event, LinkAdded, LinkUnfrozen, PaymentSettled, ReadingRejected
from tests.making_money import a_statement
from tests.making_people import NOW, a_link, a_newcomer, a_resident, only, payloads, words_of

STRICT = Ceiling.of("strict")
PAYMENT = Settled(Money(123_456), NOW, "77-1", Money(0))
STATEMENT = a_statement(5_000)
ANSWERS = {PaymentOf: PAYMENT, StatementOf: STATEMENT}
EVENTS = [
    PaymentSettled(1, 71, Money(123_456)),
    LinkAdded(2, 71, "vk"),
    LinkUnfrozen(71),
    ReadingRejected(3, 71, "1 234,56 ₽"),
    CaseAnswered(4, "1 234,56 ₽"),
]


@pytest.mark.parametrize("event", EVENTS)
def test_unasked_a_strict_channel_hears_that_there_is_news_and_how_to_see_it(event: Event) -> None:
    told = replay(happened(a_resident(a_link(), event=17), event), ANSWERS)

    said = permitted(only(told), STRICT)
    assert not withheld(only(told), STRICT)
    assert payloads(said)[0] == "show:17"
    assert "₽" not in words_of(said)
    assert "•" not in words_of(said)


@pytest.mark.parametrize("event", EVENTS)
def test_asked_for_the_whole_is_shown_where_it_may_be(event: Event) -> None:
    told = replay(show(a_resident(a_link()), ["17"]), {**ANSWERS, EventOf(3, 17): event})

    assert withheld(only(told), STRICT)
    assert only(told).data_class >= DataClass.PERSONAL
    assert told.message_class == MessageClass.REPLY


@pytest.mark.parametrize("args", [[], ["17"], ["x"], ["9" * 30], ["-1"]])
def test_what_is_nobodys_or_anothers_news_is_gone(args: list[str]) -> None:
    told = replay(show(a_newcomer(), args), {EventOf: None})

    assert told.stage == Idle()
    assert "больше нет" in words_of(only(told))


def test_in_a_group_no_news_is_shown() -> None:
    told = replay(show(a_newcomer(private=False), ["17"]), {})

    assert "в личные сообщения" in words_of(only(told))
