"""A resident's accounts: the list, the chosen one, names, and letting one go."""

import pytest

from core.conversation import Idle, NamingAccount
from core.dialogues import accounts
from core.driving import Handler, replay
from core.messages import DataClass
from core.privacy import Ceiling, permitted
from core.questions import ChooseLink, RenameLink, Unlink
from tests.making_people import NOW, a_link, a_resident, keys_of, only, payloads, typed, words_of

HOME, DACHA = a_link(1, name="дом"), a_link(2)
TWO = a_resident(HOME, DACHA)


def test_all_accounts_are_listed_and_the_current_one_marked() -> None:
    reply = only(replay(accounts.show_accounts(TWO, ()), {}))

    assert keys_of(reply) == ["account-list", "account-line-current", "account-line"]
    assert payloads(reply) == ["acc:1", "acc:2", "link", "menu"]


def test_where_personal_data_may_not_be_said_accounts_are_numbered() -> None:
    reply = permitted(only(replay(accounts.show_accounts(TWO, ()), {})), Ceiling.of("strict"))

    words = words_of(reply)
    assert payloads(reply) == ["acc:1", "acc:2", "link", "menu"]
    assert "дом" not in words
    assert "кв." not in words
    assert "Счёт 2" in words


def test_without_accounts_linking_is_offered() -> None:
    assert payloads(only(replay(accounts.show_accounts(a_resident(), ()), {}))) == ["link", "menu"]


def test_a_pressed_account_is_chosen() -> None:
    told = replay(accounts.choose_account(TWO, ("2",)), {ChooseLink(5, 2): True})

    assert keys_of(only(told)) == ["account-chosen"]
    assert "unlink:2" in payloads(only(told))


@pytest.mark.parametrize("handler", [accounts.choose_account, accounts.rename, accounts.take_name_away])
def test_a_button_of_an_account_that_is_gone_shows_the_list(handler: Handler) -> None:
    told = replay(handler(TWO, ("7",)), {})

    assert keys_of(only(told))[0] == "account-gone"


def test_a_frozen_account_says_whom_to_turn_to() -> None:
    turn = a_resident(HOME, a_link(2, frozen=True))

    assert keys_of(only(replay(accounts.choose_account(turn, ("2",)), {}))) == ["account-frozen"]
    assert "account-line-frozen" in keys_of(only(replay(accounts.show_accounts(turn, ()), {})))


def test_an_account_is_named() -> None:
    asked = replay(accounts.rename(TWO, ("2",)), {})
    named = replay(
        accounts.take_name(TWO, NamingAccount(2), typed("  дача\n у реки ")),
        {RenameLink(5, 2, "дача у реки"): True},
    )

    assert asked.stage == NamingAccount(2)
    assert named.stage == Idle()
    assert "дача у реки" in words_of(only(named))
    assert only(named).data_class == DataClass.PERSONAL


@pytest.mark.parametrize("name", ["", "\x00\n", "х" * 31])
def test_a_name_that_does_not_fit_is_asked_for_again(name: str) -> None:
    told = replay(accounts.take_name(TWO, NamingAccount(2), typed(name)), {})

    assert told.stage == NamingAccount(2)


def test_a_name_is_taken_away() -> None:
    assert "noname:1" in payloads(only(replay(accounts.rename(TWO, ("1",)), {})))
    told = replay(accounts.take_name_away(TWO, ("1",)), {RenameLink(5, 1, ""): True})

    assert keys_of(only(told)) == ["account-name-taken-away"]


def test_unlinking_is_asked_before_it_is_done() -> None:
    sure = replay(accounts.unlink(TWO, ("2",)), {})
    done = replay(accounts.unlink_surely(TWO, ("2",)), {Unlink(5, 2, NOW): True})

    assert payloads(only(sure)) == ["unlinkyes:2", "cancel", "menu"]
    assert keys_of(only(done)) == ["account-unlinked"]


def test_unlink_in_words_takes_the_only_account_or_asks_which() -> None:
    assert "unlinkyes:1" in payloads(only(replay(accounts.unlink(a_resident(HOME), ()), {})))
    assert keys_of(only(replay(accounts.unlink(TWO, ()), {})))[0] == "account-unlink-which"
    assert keys_of(only(replay(accounts.unlink(a_resident(), ()), {}))) == ["account-none"]


def test_a_link_that_ended_meanwhile_is_not_ended_again() -> None:
    told = replay(accounts.unlink_surely(TWO, ("2",)), {Unlink: False})

    assert keys_of(only(told))[0] == "account-gone"
