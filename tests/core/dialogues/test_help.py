"""Greeting, menu, help, contacts, and whatever is not understood."""

from typing import Any

import pytest

from core.conversation import ChoosingProof, Consenting, GivingNumber, Idle
from core.dialogues import help as helping
from core.dialogues import menu
from core.driving import Handler, replay
from core.messages import Contact, DataClass, Photo, Press, Started, Text, Unreadable, Voice
from core.questions import NumberBehind, ResumeMessages
from core.turns import Centre
from tests.making_people import (
    CENTRE,
    ZONE,
    a_link,
    a_newcomer,
    a_resident,
    keys_of,
    only,
    payloads,
    words_of,
)

TOKEN = "bill-" + "a" * 43
BACK = {ResumeMessages(3): None}


def test_a_newcomer_is_greeted_and_may_look_around() -> None:
    told = replay(helping.greet(a_newcomer(Started()), ()), BACK)

    reply = only(told)
    assert told.stage == Idle()
    assert reply.data_class == DataClass.PUBLIC
    assert CENTRE.name in words_of(reply)
    assert payloads(reply) == ["link", "help", "contacts", "lang", "privacy"]


def test_who_comes_by_the_paper_bill_is_greeted_and_asked_for_consent_first() -> None:
    told = replay(helping.greet(a_newcomer(Started(TOKEN)), ()), BACK)

    assert told.stage == Consenting(TOKEN)
    assert keys_of(only(told)) == ["help-greeting", "consent-text"]


def test_a_resident_who_comes_by_the_paper_bill_goes_on_to_the_proof() -> None:
    turn = a_resident(a_link(), said=Started(TOKEN))

    told = replay(helping.greet(turn, ()), {**BACK, NumberBehind(TOKEN): "0012344567"})

    assert told.stage == ChoosingProof("0012344567")


@pytest.mark.parametrize(("turn", "stage"), [(a_newcomer(), Consenting), (a_resident(), ChoosingProof)])
def test_the_paper_bills_link_may_be_typed(turn: Any, stage: type) -> None:
    told = replay(helping.open_paper_link(turn, (TOKEN,)), {NumberBehind(TOKEN): "0012344567"})

    assert isinstance(told.stage, stage)


def test_who_comes_back_sees_the_menu() -> None:
    reply = only(replay(helping.greet(a_resident(a_link(), said=Started()), ()), BACK))

    assert {"bal", "pay", "read", "hist", "accounts", "help"} == set(payloads(reply))
    assert reply.data_class == DataClass.PERSONAL
    assert reply.lesser is not None
    assert "кв." not in words_of(reply.lesser)


@pytest.mark.parametrize("handler", [helping.greet, helping.not_understood, helping.open_paper_link])
def test_a_group_is_invited_to_a_private_chat(handler: Handler) -> None:
    turn = a_resident(a_link(), said=Started(), private=False)

    told = replay(handler(turn, (TOKEN,)), {})

    assert keys_of(only(told)) == ["menu-in-group"]
    assert payloads(only(told)) == ["help", "contacts"]


@pytest.mark.parametrize("handler", [helping.show_help, helping.show_contacts])
def test_help_and_contacts_need_no_consent_and_interrupt_nothing(handler: Handler) -> None:
    told = replay(handler(a_newcomer(stage=GivingNumber()), ()), {})

    assert told.stage == GivingNumber()
    assert only(told).data_class == DataClass.PUBLIC
    assert "cancel" in payloads(only(told))


def test_only_contacts_that_the_centre_has_are_told() -> None:
    bare = Centre(name="ЕРКЦ", zone=ZONE, phone="8 800")

    lines = keys_of(only(replay(helping.show_contacts(a_newcomer(centre=bare), ()), {})))

    assert lines == ["contacts-name", "contacts-phone"]


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize(
    ("said", "key"),
    [
        (Text("абракадабра"), "help-unknown-text"),
        (Text("а" * 10_000), "help-long-text"),
        (Press("gone:1"), "help-old-button"),
        (Voice(7), "help-voice"),
        (Photo("x"), "help-photo"),
        (Contact("+7", own=True), "help-contact"),
        (Unreadable("sticker"), "help-unreadable"),
        (Unreadable("location"), "help-unreadable"),
        (Unreadable("something new"), "help-unreadable"),
    ],
)
def test_whatever_is_not_understood_gets_a_helpful_word(said: Any, key: str, language: str) -> None:
    reply = only(replay(helping.not_understood(a_resident(a_link(), said=said), ()), {}))

    assert keys_of(reply) == [key]
    assert 10 < len(words_of(reply, language)) < 400


def test_what_is_not_understood_leaves_the_talk_where_it_stood() -> None:
    turn = a_resident(said=Voice(), stage=GivingNumber())

    told = replay(helping.not_understood(turn, ()), {})

    assert told.stage == GivingNumber()
    assert payloads(only(told)) == ["cancel", "menu"]


def test_cancel_leads_back_to_the_menu() -> None:
    begun = replay(menu.cancel(a_resident(a_link(), stage=GivingNumber()), ()), {})
    idle = replay(menu.cancel(a_resident(a_link(), said=Text("отмена")), ()), {})

    assert begun.stage == idle.stage == Idle()
    assert keys_of(only(begun)) == ["menu-cancelled"]
    assert keys_of(only(idle)) == ["menu-nothing-to-cancel"]


def test_a_pressed_cancel_takes_a_question_back_though_no_stage_waits() -> None:
    told = replay(menu.cancel(a_resident(a_link(), said=Press("cancel")), ()), {})

    assert keys_of(only(told)) == ["menu-cancelled"]


def test_thanks_are_answered_and_what_was_begun_goes_on() -> None:
    told = replay(helping.take_thanks(a_resident(a_link(), stage=GivingNumber()), ()), {})

    assert told.stage == GivingNumber()
    assert keys_of(only(told)) == ["help-thanks"]


def test_the_menu_lets_go_of_what_was_begun() -> None:
    assert replay(menu.show_menu(a_resident(a_link(), stage=GivingNumber()), ()), {}).stage == Idle()


@pytest.mark.parametrize("language", ["ru", "en"])
def test_help_is_worded_in_every_language(language: str) -> None:
    assert len(words_of(only(replay(helping.show_help(a_resident(), ()), {})), language)) > 100
