"""Language, what is kept, erasing it, and being left in peace."""

import msgspec
import pytest

from core.conversation import Idle
from core.dialogues import settings
from core.driving import Handler, replay
from core.messages import DataClass
from core.questions import (
    ConsentGiven,
    EraseResident,
    MyData,
    MyDataOf,
    ResumeMessages,
    SetLanguage,
    StopMessages,
)
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
    words_of,
)

KEPT = MyData(
    links=(a_link(),),
    consents=(ConsentGiven("2026-11", "vk", NOW, None), ConsentGiven("2026-01", "vk", NOW, NOW)),
    channels=("telegram", "vk"),
    readings=3,
    cases=1,
)


def test_a_language_is_chosen_and_spoken_at_once() -> None:
    asked = replay(settings.speak(a_newcomer(), ()), {})
    told = replay(settings.speak(a_newcomer(), ("en",)), {SetLanguage(3, "en"): None})

    assert payloads(only(asked)) == ["lang:ru", "lang:en", "menu"]
    assert told.language == "en"
    assert "English" in words_of(only(told), "en")


def test_a_language_that_there_is_not_asks_which() -> None:
    assert keys_of(only(replay(settings.speak(a_newcomer(), ("xx",)), {}))) == ["settings-language"]


def test_privacy_needs_no_consent_and_tells_how_to_erase() -> None:
    reply = only(replay(settings.show_privacy(a_newcomer(), ()), {}))

    assert reply.data_class == DataClass.PUBLIC
    assert payloads(reply) == ["mydata", "erase", "menu"]
    assert addresses(reply) == [CENTRE.privacy_url]


@pytest.mark.parametrize("language", ["ru", "en"])
def test_all_that_is_kept_is_told(language: str) -> None:
    reply = only(replay(settings.show_my_data(a_resident(a_link()), ()), {MyDataOf(5): KEPT}))

    words = words_of(reply, language)
    assert all(fact in words for fact in ("кв. •2", "Telegram", "2026-11", "24.11.2026 12:00", "3"))
    assert "0012344567" not in words
    assert reply.data_class == DataClass.PERSONAL


def test_where_receipts_go_is_told_to_be_kept_only_where_it_is() -> None:
    words = [
        words_of(only(replay(settings.show_my_data(a_resident(a_link()), ()), {MyDataOf(5): data})))
        for data in (KEPT, msgspec.structs.replace(KEPT, receipts=True))
    ]

    assert ["для кассовых чеков" in said for said in words] == [False, True]


def test_where_personal_data_may_not_be_said_no_account_is_told() -> None:
    lesser = only(replay(settings.show_my_data(a_resident(a_link()), ()), {MyDataOf: KEPT})).lesser

    assert lesser is not None
    assert "кв." not in words_of(lesser)


@pytest.mark.parametrize("handler", [settings.show_my_data, settings.erase])
def test_nothing_is_kept_about_a_newcomer(handler: Handler) -> None:
    assert keys_of(only(replay(handler(a_newcomer(), ()), {}))) == ["settings-data-none"]


@pytest.mark.parametrize(
    "handler", [settings.show_my_data, settings.erase, settings.erase_surely, settings.stop]
)
def test_a_group_is_told_nothing_personal(handler: Handler) -> None:
    told = replay(handler(a_resident(a_link(), private=False), ("5",)), {})

    assert keys_of(only(told)) == ["menu-in-group"]


def test_erasing_is_asked_before_it_is_done_and_has_a_number() -> None:
    sure = replay(settings.erase(a_resident(a_link()), ()), {})
    done = replay(settings.erase_surely(a_resident(a_link()), ("5",)), {EraseResident(5, 3, NOW): 17})

    assert payloads(only(sure)) == ["eraseyes:5", "cancel", "menu"]
    assert done.stage == Idle()
    assert "17" in words_of(only(done))
    assert "settings-erase-stays" in keys_of(only(done))


def test_a_button_of_who_was_here_before_erases_nobody() -> None:
    told = replay(settings.erase_surely(a_resident(a_link()), ("4",)), {})

    assert keys_of(only(told))[0] == "settings-erase-sure"


def test_stop_stops_and_can_be_taken_back() -> None:
    stopped = replay(settings.stop(a_resident(a_link()), ()), {StopMessages(3, NOW): None})
    resumed = replay(settings.resume(a_resident(a_link()), ()), {ResumeMessages(3): None})

    assert payloads(only(stopped)) == ["resume", "unlink", "erase", "menu"]
    assert keys_of(only(resumed)) == ["settings-resumed"]


def test_who_blocked_the_bot_is_told_nothing() -> None:
    told = replay(settings.gone(a_resident(), ()), {StopMessages(3, NOW, gone=True): None})

    assert told.replies == ()
