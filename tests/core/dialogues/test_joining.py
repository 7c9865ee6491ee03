"""Going on in another messenger: the invitation, the code brought there, and undoing it."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from core.conversation import ChoosingAmount, Consenting, Idle
from core.dialogues import events, joining, linking
from core.driving import replay
from core.fitting import Offered
from core.joining import (
    Invitation,
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
from core.messages import Press, Started
from core.questions import GiveConsent, ResumeMessages, TooManyLinks
from core.routing import route
from core.turns import ChatJoined, Resident, Turn
from tests.making_people import (
    CENTRE,
    NOW,
    a_link,
    a_newcomer,
    a_resident,
    addresses,
    keys_of,
    only,
    payloads,
    typed,
    words_of,
)

CODE = "join-" + "a7" * 13
JOIN = JoinByCode(chat=3, code=CODE, at=NOW, accounts_max=10)
DONE = Joined("vk", 2, "en")
LINKED = msgspec.structs.replace(
    CENTRE,
    chat_links=(
        ("telegram", "https://t.me/town_bot?start={code}"),
        ("vk", "https://vk.me/town?ref={code}"),
    ),
)


# --- The invitation ----------------------------------------------------------------------------------


def test_the_invitation_has_the_code_and_until_when_it_works() -> None:
    invitation = Invitation(CODE, NOW + timedelta(minutes=10))

    told = replay(joining.invite(a_resident(), ()), {OpenInvitation(3, NOW): invitation})

    assert CODE in words_of(only(told))
    assert "12:10" in words_of(only(told))
    assert payloads(only(told)) == ["menu"]


def test_the_invitation_leads_to_other_messengers_whose_address_is_known() -> None:
    turn = a_resident(centre=LINKED)

    told = replay(joining.invite(turn, ()), {OpenInvitation: Invitation(CODE, NOW)})

    assert addresses(only(told)) == [f"https://vk.me/town?ref={CODE}"]


def test_the_invitation_tells_what_is_joined_already_and_how_to_part() -> None:
    told = replay(joining.invite(a_resident(), ()), {OpenInvitation: Invitation(CODE, NOW, ("ok", "viber"))})

    assert "Одноклассники" in words_of(only(told))
    assert "Viber" in words_of(only(told))
    assert payloads(only(told)) == ["leave", "menu"]


def test_what_was_begun_goes_on_after_an_invitation() -> None:
    turn = a_resident(stage=ChoosingAmount(71))

    assert replay(joining.invite(turn, ()), {OpenInvitation: Invitation(CODE, NOW)}).stage == turn.stage


@pytest.mark.parametrize("words", ["другой мессенджер", "продолжить в другом мессенджере"])
def test_the_wish_can_be_typed(words: str) -> None:
    turn = a_resident(said=typed(words))

    told = replay(route(turn, Offered()), {OpenInvitation: Invitation(CODE, NOW)})

    assert CODE in words_of(only(told))


# --- The code, brought to another chat ---------------------------------------------------------------


@pytest.mark.parametrize(
    "said", [typed(CODE), typed(f" {CODE.capitalize()}\n"), typed(f"вот: {CODE}."), Started(CODE)]
)
def test_a_code_joins_however_it_comes(said: Any) -> None:
    told = replay(route(a_resident(said=said), Offered()), {JOIN: DONE, ResumeMessages: None})

    assert keys_of(only(told)) == ["join-done", "join-accounts"]
    assert payloads(only(told)) == ["bal", "read", "leave", "menu"]


def test_the_joined_chat_is_spoken_to_in_the_other_ones_language() -> None:
    told = replay(joining.take_code(a_resident(), (CODE,)), {JOIN: DONE})

    assert told.language == "en"


def test_what_was_begun_in_the_joined_chat_goes_on() -> None:
    turn = a_resident(stage=ChoosingAmount(71))

    assert replay(joining.take_code(turn, (CODE,)), {JOIN: DONE}).stage == turn.stage


def test_a_chat_without_accounts_is_offered_to_link_one() -> None:
    told = replay(joining.take_code(a_resident(), (CODE,)), {JOIN: Joined("vk", 0, "ru")})

    assert payloads(only(told)) == ["link", "leave", "menu"]


def test_a_chat_that_has_not_consented_is_asked_first_and_joined_then() -> None:
    newcomer = a_newcomer(said=typed(CODE))
    asked = replay(route(newcomer, Offered()), {InviterOf(3, CODE, NOW): Inviter("vk")})
    turn = a_newcomer(said=Press("agree"), stage=asked.stage)

    told = replay(linking.agree(turn, (CENTRE.consent_version,)), {GiveConsent: Resident(5), JOIN: DONE})

    assert asked.stage == Consenting(CODE)
    assert keys_of(only(asked)) == ["join-consent-first", "consent-text"]
    assert keys_of(only(told)) == ["consent-thanks", "join-done", "join-accounts"]
    assert told.stage == Idle()


def test_a_chat_with_accounts_of_its_own_is_asked_whether_to_share_them() -> None:
    turn = a_resident(a_link())

    told = replay(joining.take_code(turn, (CODE,)), {InviterOf(3, CODE, NOW): Inviter("vk")})

    assert keys_of(only(told)) == ["join-sure"]
    assert "ВКонтакте" in words_of(only(told))
    assert payloads(only(told)) == [f"joinyes:{CODE}", "cancel", "menu"]
    assert all(len(payload.encode()) <= 64 for payload in payloads(only(told)))


def test_who_is_sure_is_joined() -> None:
    turn = a_resident(a_link(), said=Press(f"joinyes:{CODE}"))

    assert keys_of(only(replay(route(turn, Offered()), {JOIN: DONE}))) == ["join-done", "join-accounts"]


@pytest.mark.parametrize(
    ("answer", "key"),
    [
        (NoSuchCode(), "join-no-such-code"),
        (JoinedAlready(own=True), "join-own-code"),
        (JoinedAlready(own=False), "join-already"),
        (TooManyLinks(10), "join-too-many"),
    ],
)
def test_a_code_that_does_not_fit_gets_a_friendly_answer(answer: Joining, key: str) -> None:
    turn = a_resident(stage=ChoosingAmount(71))

    told = replay(joining.take_code(turn, (CODE,)), {JOIN: answer})

    assert keys_of(only(told)) == [key]
    assert "menu" in payloads(only(told))
    assert (told.stage, told.language) == (turn.stage, None)


@pytest.mark.parametrize("turn", [a_newcomer(), a_resident(a_link())])
def test_nobody_is_asked_anything_about_a_code_that_does_not_fit(turn: Turn) -> None:
    told = replay(joining.take_code(turn, (CODE,)), {InviterOf: NoSuchCode()})

    assert keys_of(only(told)) == ["join-no-such-code"]


def test_a_code_cut_short_is_answered_as_a_code() -> None:
    turn = a_resident(said=typed("join-a7a7"))

    told = replay(route(turn, Offered()), {JoinByCode: NoSuchCode()})

    assert keys_of(only(told)) == ["join-no-such-code"]


def test_in_a_group_a_code_joins_nothing() -> None:
    turn = a_resident(private=False, said=typed(CODE))

    assert keys_of(only(replay(route(turn, Offered()), {}))) == ["menu-in-group"]


# --- Word to the other chats, and undoing ------------------------------------------------------------


def test_the_inviting_chat_is_told_and_may_undo_it() -> None:
    turn = a_resident(a_link(), stage=ChoosingAmount(71))

    told = replay(events.happened(turn, ChatJoined(9, "viber")), {})

    assert "Viber" in words_of(only(told))
    assert payloads(only(told)) == ["mine", "unjoin:9", "menu"]
    assert told.stage == turn.stage


def test_not_me_parts_the_other_chat_and_tells_it() -> None:
    turn = a_resident(a_link(), said=Press("unjoin:9"))

    told = replay(route(turn, Offered()), {Unjoin(3, 9, NOW): True})

    assert keys_of(only(told)) == ["join-undone"]
    [notice] = told.notices
    assert (notice.to, keys_of(notice.reply)) == (9, ["join-was-undone"])


def test_a_chat_may_leave_when_it_is_sure() -> None:
    turn = a_resident(a_link())
    asked = replay(joining.leave(turn, ()), {})

    told = replay(joining.unjoin(turn, ("3",)), {Unjoin(3, 3, NOW): True})

    assert payloads(only(asked)) == ["unjoin:3", "cancel", "menu"]
    assert (keys_of(only(told)), told.notices) == (["join-left"], ())


@pytest.mark.parametrize("args", [(), ("x",), ("9" * 40,), ("٣",), ("9",)])
def test_an_old_or_senseless_button_undoes_nothing(args: tuple[str, ...]) -> None:
    told = replay(joining.unjoin(a_resident(), args), {Unjoin: False})

    assert (keys_of(only(told)), told.notices) == (["join-nothing-to-undo"], ())
