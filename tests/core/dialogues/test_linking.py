"""Consent and linking, from the greeting to the word to those who had the account before."""

from datetime import timedelta
from typing import Any

import pytest

from core.conversation import AskingStaff, ChoosingProof, Consenting, GivingNumber, GivingProof, Idle
from core.dialogues import consent, linking
from core.driving import replay
from core.messages import Contact, ContactButton, DataClass, Press
from core.questions import (
    AccountsByPhone,
    AlreadyLinked,
    Blocked,
    ByCode,
    FreezeLink,
    Frozen,
    GiveConsent,
    LinkAccount,
    Linked,
    LinkFrozen,
    NotProven,
    NumberBehind,
    OpenCase,
    Proven,
    TooManyLinks,
    TooManyResidents,
    TryProof,
)
from core.turns import LinkAdded, Resident
from core.wording import Words
from tests.making_people import (
    CENTRE,
    NOW,
    ZONE,
    a_link,
    a_newcomer,
    a_resident,
    addresses,
    buttons,
    keys_of,
    only,
    payloads,
    typed,
    words_of,
)

TOKEN = "bill-" + "a" * 43
NUMBER = "0012344567"
VERSION = CENTRE.consent_version
PROVING = GivingProof(NUMBER, "code")


# --- Consent ---------------------------------------------------------------------------------------


def test_consent_says_who_and_until_when_and_can_be_refused() -> None:
    told = replay(consent.ask_consent(a_newcomer(), ()), {})

    reply = only(told)
    assert told.stage == Consenting()
    assert payloads(reply) == [f"agree:{VERSION}", "decline", "menu"]
    assert addresses(reply) == [CENTRE.privacy_url]
    assert CENTRE.name in words_of(reply)
    assert VERSION in words_of(reply)


def test_consent_is_recorded_with_the_hash_of_the_text_that_was_read() -> None:
    asked: list[Any] = []
    dialogue = linking.agree(a_newcomer(stage=Consenting()), (VERSION,))
    asked.append(dialogue.send(None))

    [question] = asked
    assert isinstance(question, GiveConsent)
    assert (question.chat, question.version, question.at) == (3, VERSION, NOW)
    assert len(question.text_hash) == 64
    assert question.text_hash == consent.consent_hash(a_newcomer())
    assert question.text_hash != consent.consent_hash(a_newcomer(language="en"))
    dialogue.close()


def test_after_consent_the_number_is_asked_for() -> None:
    told = replay(linking.agree(a_newcomer(stage=Consenting()), (VERSION,)), {GiveConsent: Resident(5)})

    assert told.stage == GivingNumber()
    assert keys_of(only(told)) == ["consent-thanks", "link-ask-number"]


def test_who_wanted_staff_goes_on_to_them_after_consent() -> None:
    asked = replay(consent.ask_consent(a_newcomer(), ("staff",)), {})

    told = replay(linking.agree(a_newcomer(stage=asked.stage), (VERSION,)), {GiveConsent: Resident(5)})

    assert told.stage == AskingStaff()
    assert keys_of(only(told)) == ["consent-thanks", "staff-ask"]


def test_who_came_by_the_paper_bill_need_not_type_the_number() -> None:
    turn = a_newcomer(stage=Consenting(TOKEN))

    told = replay(linking.agree(turn, (VERSION,)), {GiveConsent: Resident(5), NumberBehind(TOKEN): NUMBER})

    assert told.stage == ChoosingProof(NUMBER)
    assert NUMBER not in words_of(only(told))


def test_consent_to_an_old_text_is_asked_for_anew() -> None:
    told = replay(linking.agree(a_newcomer(stage=Consenting(TOKEN)), ("2020-01",)), {})

    assert told.stage == Consenting(TOKEN)
    assert keys_of(only(told)) == ["consent-changed", "consent-text"]


def test_agreeing_twice_changes_nothing() -> None:
    told = replay(linking.agree(a_resident(stage=GivingNumber()), (VERSION,)), {})

    assert told.stage == GivingNumber()


def test_no_leaves_what_needs_no_consent() -> None:
    told = replay(consent.decline_consent(a_newcomer(stage=Consenting()), ()), {})

    assert told.stage == Idle()
    assert {"help", "contacts", "lang", "privacy"} <= set(payloads(only(told)))


@pytest.mark.parametrize("words", ["Согласен", "согласна", "да", "Да!", "I agree".removeprefix("I ")])
def test_consent_may_be_typed(words: str) -> None:
    dialogue = linking.take_consent(a_newcomer(), Consenting(), typed(words))

    assert replay(dialogue, {GiveConsent: Resident(5)}).stage == GivingNumber()


@pytest.mark.parametrize("words", ["может быть", "не согласен", "да ну нет", ""])
def test_anything_unclear_is_no_consent(words: str) -> None:
    told = replay(linking.take_consent(a_newcomer(), Consenting(), typed(words)), {})

    assert told.stage in {Consenting(), Idle()}


def test_nobody_consents_in_a_group() -> None:
    told = replay(linking.agree(a_newcomer(private=False), (VERSION,)), {})

    assert keys_of(only(told)) == ["menu-in-group"]


def test_who_has_only_frozen_accounts_is_told_so_and_may_link_another() -> None:
    frozen = replay(linking.link_first(a_resident(a_link(frozen=True)), ()), {})
    none = replay(linking.link_first(a_resident(), ()), {})

    assert keys_of(only(frozen)) == ["account-frozen"]
    assert "link" in payloads(only(frozen))
    assert none.stage == GivingNumber()


# --- The number and the proof ----------------------------------------------------------------------


def test_a_number_leads_to_the_choice_of_a_proof() -> None:
    told = replay(linking.take_number(a_resident(), GivingNumber(), typed("л/с 0012 344 567")), {})

    assert told.stage == ChoosingProof(NUMBER)
    assert payloads(only(told)) == ["proof:total", "proof:code", "proof:meter", "link", "cancel", "menu"]


def test_what_is_no_number_is_asked_for_again() -> None:
    told = replay(linking.take_number(a_resident(), GivingNumber(), typed("не знаю")), {})

    assert told.stage == GivingNumber()
    assert keys_of(only(told)) == ["link-no-number", "link-ask-number"]


def test_a_pasted_link_of_the_paper_bill_gives_the_number() -> None:
    said = typed(f"https://t.me/bot?start={TOKEN}")

    told = replay(linking.take_number(a_resident(), GivingNumber(), said), {NumberBehind(TOKEN): NUMBER})

    assert told.stage == ChoosingProof(NUMBER)


def test_an_outlived_link_asks_for_the_number() -> None:
    told = replay(linking.link(a_resident(), (TOKEN,)), {NumberBehind(TOKEN): None})

    assert told.stage == GivingNumber()
    assert keys_of(only(told)) == ["link-token-outlived", "link-ask-number"]


@pytest.mark.parametrize("kind", ["total", "code", "meter"])
def test_each_proof_is_asked_for_in_its_own_words(kind: str) -> None:
    told = replay(linking.choose_proof(a_resident(stage=ChoosingProof(NUMBER)), (kind,)), {})

    assert told.stage == GivingProof(NUMBER, kind)
    assert keys_of(only(told)) == [f"link-ask-{kind}"]
    assert "cancel" in payloads(only(told))


def test_a_proof_may_be_chosen_in_words() -> None:
    told = replay(linking.take_choice(a_resident(), ChoosingProof(NUMBER), typed("код")), {})

    assert told.stage == GivingProof(NUMBER, "code")


def test_another_proof_may_be_chosen_instead() -> None:
    told = replay(linking.choose_proof(a_resident(stage=PROVING), ()), {})

    assert told.stage == ChoosingProof(NUMBER)


def test_a_typed_back_leads_a_step_back_and_is_no_try() -> None:
    choosing = ChoosingProof(NUMBER)

    assert replay(linking.take_proof(a_resident(), PROVING, typed("Назад")), {}).stage == choosing
    assert replay(linking.take_choice(a_resident(), choosing, typed("назад")), {}).stage == GivingNumber()


def test_an_old_button_of_a_proof_begins_anew() -> None:
    told = replay(linking.choose_proof(a_resident(a_link()), ("code",)), {})

    assert told.stage == GivingNumber()


def test_what_cannot_be_a_proof_is_no_try() -> None:
    told = replay(linking.take_proof(a_resident(), GivingProof(NUMBER, "total"), typed("много")), {})

    assert told.stage == GivingProof(NUMBER, "total")


def proven(answer: Any, linked: Any = None) -> Any:
    dialogue = linking.take_proof(a_resident(), PROVING, typed("7K42QX"))
    asked = TryProof(3, "telegram", NUMBER, ByCode("7K42QX"), NOW)
    return replay(dialogue, {asked: answer, LinkAccount: linked})


def test_a_wrong_proof_may_be_tried_again_another_way_or_for_another_number() -> None:
    told = proven(NotProven())

    assert told.stage == PROVING
    assert {"proof", "link", "contacts", "cancel", "menu"} == set(payloads(only(told)))
    assert NUMBER[-4:] not in words_of(only(told))


def test_who_is_blocked_is_told_until_when_and_how_to_go_on() -> None:
    told = proven(Blocked(NOW + timedelta(hours=1)))

    assert told.stage == Idle()
    words = words_of(only(told))
    assert "24.11.2026 13:00" in words
    assert CENTRE.phone in words
    assert CENTRE.address in words


def test_a_proven_account_is_linked() -> None:
    told = proven(Proven(71), Linked(a_link(), 0))

    reply = only(told)
    assert told.stage == Idle()
    assert reply.data_class == DataClass.PERSONAL
    assert "кв. •2" in words_of(reply)
    assert {"bal", "read", "menu"} <= set(payloads(reply))


def test_the_lesser_form_of_a_new_link_tells_no_address() -> None:
    lesser = only(proven(Proven(71), Linked(a_link(), 0))).lesser

    assert lesser is not None
    assert lesser.data_class == DataClass.PUBLIC
    assert "кв." not in words_of(lesser)


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (AlreadyLinked(a_link()), "link-already"),
        (TooManyLinks(10), "link-too-many-accounts"),
        (TooManyResidents(5), "link-too-many-residents"),
        (LinkFrozen(), "link-frozen"),
    ],
)
def test_what_stands_in_the_way_of_a_link_is_said(answer: Any, key: str) -> None:
    told = proven(Proven(71), answer)

    assert told.stage == Idle()
    assert keys_of(only(told)) == [key]


def test_a_typed_number_or_sum_is_no_other_wish_and_a_word_is() -> None:
    assert linking.answers(GivingNumber(), "лицевой счёт 0012344567")
    assert linking.answers(GivingProof(NUMBER, "meter"), "счётчик 56342 123,4")
    assert linking.answers(GivingProof(NUMBER, "total"), "итого к оплате 4321,09")
    assert not linking.answers(GivingNumber(), "баланс")
    assert not linking.answers(PROVING, "баланс")


# --- Word to the others ----------------------------------------------------------------------------

ADDED = LinkAdded(link=9, account=71, channel="viber")


def test_the_other_chats_are_asked_whether_it_was_them() -> None:
    stage = GivingNumber()

    told = replay(linking.link_added(a_resident(a_link(), stage=stage, said=ADDED), ADDED), {})

    assert told.stage == stage
    assert payloads(only(told)) == ["mine", "notme:9", "menu"]
    assert "Viber" in words_of(only(told))


def test_a_chat_that_let_the_account_go_hears_nothing() -> None:
    told = replay(linking.link_added(a_resident(said=ADDED), ADDED), {})

    assert told.replies == ()


def test_not_me_freezes_the_link_and_tells_its_chat_and_staff() -> None:
    turn = a_resident(a_link(), said=Press("notme:9"))
    answers = {FreezeLink(5, 9, NOW): Frozen(71, (8,)), OpenCase: 12}

    told = replay(linking.was_not_me(turn, ("9",)), answers)

    assert "12" in words_of(only(told))
    assert [notice.to for notice in told.notices] == [8]


@pytest.mark.parametrize("args", [("9",), (), ("x",)])
def test_where_there_is_nothing_to_freeze_nothing_is_frozen(args: tuple[str, ...]) -> None:
    told = replay(linking.was_not_me(a_resident(a_link()), args), {FreezeLink: None})

    assert keys_of(only(told)) == ["link-nothing-to-freeze"]
    assert told.notices == ()


@pytest.mark.parametrize("language", ["ru", "en"])
@pytest.mark.parametrize("count", [1, 2, 5, 10])
def test_limits_are_worded_in_every_number(language: str, count: int) -> None:
    for key, answer in (
        ("link-too-many-accounts", TooManyLinks(count)),
        ("link-too-many-residents", TooManyResidents(count)),
    ):
        reply = only(proven(Proven(71), answer))
        assert keys_of(reply) == [key]
        assert str(count) in words_of(reply, language)
    assert Words(language, ZONE).language == language


# --- A phone on file ---------------------------------------------------------------------------------

OWN = Contact("+79035550102", own=True)


def vouched(*links: Any, **rest: Any) -> Any:
    return a_resident(*links, **{"vouched": True, "stage": GivingNumber(), "said": OWN, **rest})


@pytest.mark.parametrize("offered", [True, False])
def test_a_phone_is_asked_for_only_where_it_is_vouched_for(offered: bool) -> None:
    reply = only(replay(linking.link(a_resident(vouched=offered), ()), {}))

    assert any(isinstance(button, ContactButton) for button in buttons(reply)) == offered
    assert ("link-or-phone" in keys_of(reply)) == offered


def test_a_phone_on_file_links_its_account() -> None:
    linked = Linked(a_link(), others=0)

    told = replay(
        linking.take_contact(vouched(), OWN), {AccountsByPhone(OWN.phone): (71,), LinkAccount: linked}
    )

    assert told.stage == Idle()
    assert keys_of(only(told)) == ["link-done"]


def test_the_link_says_what_proved_it() -> None:
    dialogue = linking.take_contact(vouched(), OWN)
    dialogue.send(None)
    asked: Any = dialogue.send((71,))

    assert isinstance(asked, LinkAccount)
    assert (asked.account, asked.proof, asked.resident) == (71, "phone", 5)
    dialogue.close()


def test_a_phone_on_file_for_several_accounts_links_them_all() -> None:
    linked = Linked(a_link(), others=0)

    told = replay(
        linking.take_contact(vouched(), OWN), {AccountsByPhone(OWN.phone): (71, 72), LinkAccount: linked}
    )

    reply = only(told)
    assert keys_of(reply) == ["link-done-several", "account-line", "account-line"]
    assert reply.data_class is DataClass.PERSONAL
    assert reply.lesser is not None
    assert keys_of(reply.lesser) == ["link-done-several"]


@pytest.mark.parametrize("accounts", [(), tuple(range(1, 12))], ids=["none", "more than one may have"])
def test_a_phone_that_is_nobodys_own_is_not_told_from_one_that_is_not_on_file(
    accounts: tuple[int, ...],
) -> None:
    told = replay(linking.take_contact(vouched(), OWN), {AccountsByPhone: accounts})

    assert told.stage == GivingNumber()
    assert keys_of(only(told)) == ["link-phone-unknown", "link-ask-number"]


def test_a_phone_that_is_not_on_file_leaves_the_proof_to_be_chosen() -> None:
    turn = vouched(stage=PROVING)

    told = replay(linking.take_contact(turn, OWN), {AccountsByPhone: ()})

    assert told.stage == ChoosingProof(NUMBER)
    assert keys_of(only(told))[0] == "link-phone-unknown"


def test_a_phone_that_the_messenger_does_not_vouch_for_proves_nothing() -> None:
    told = replay(linking.take_contact(vouched(), Contact(OWN.phone, own=False)), {})

    assert keys_of(only(told)) == ["link-phone-not-yours", "link-ask-number"]


def test_a_phone_is_not_even_compared_before_consent() -> None:
    turn = a_newcomer(OWN, vouched=True, stage=Consenting(TOKEN))

    told = replay(linking.take_contact(turn, OWN), {})

    assert told.stage == Consenting(TOKEN)
    assert keys_of(only(told)) == ["consent-text"]


@pytest.mark.parametrize(
    ("turn", "awaited"),
    [
        (a_resident(vouched=True), True),
        (a_resident(vouched=True, stage=PROVING), True),
        (a_resident(a_link(), vouched=True), False),
        (a_resident(a_link(), vouched=True, stage=GivingNumber()), True),
        (a_resident(vouched=True, stage=AskingStaff()), False),
        (a_resident(stage=GivingNumber()), False),
        (a_newcomer(vouched=True, private=False), False),
    ],
)
def test_a_phone_is_taken_where_an_account_may_be_linked_by_it(turn: Any, awaited: bool) -> None:
    assert linking.awaits_phone(turn) == awaited


@pytest.mark.parametrize("refusal", [LinkFrozen(), TooManyResidents(5)])
def test_a_phone_opens_nothing_that_is_closed(refusal: Any) -> None:
    told = replay(linking.take_contact(vouched(), OWN), {AccountsByPhone: (71, 72), LinkAccount: refusal})

    assert keys_of(only(told)) in (["link-frozen"], ["link-too-many-residents"])
