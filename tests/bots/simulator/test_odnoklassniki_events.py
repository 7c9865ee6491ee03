"""What residents do on the stand-in for Odnoklassniki, and how the group's bot hears of it; without our adapter."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bots.simulator.residents import Picture, ResidentRefusedError
from tests.making_odnoklassniki import RESIDENT, Group, a_body, a_button, a_group, a_link, keyboard
from tests.making_telegram import a_picture, shape_of

ROW = [a_button()]


@pytest.fixture
async def group() -> AsyncIterator[Group]:
    """A group's bot to which one resident may be written."""
    async with a_group() as group:
        yield group


# --- Events ---------------------------------------------------------------------------------------


async def test_events_have_the_shape_of_the_samples(group: Group) -> None:
    await group.subscribe()
    group.ok.start(RESIDENT, "")
    group.ok.say(RESIDENT, "Передать показания: хвс 152")
    await group.send(attachments=[keyboard(ROW)])
    group.ok.press(RESIDENT, group.shown()[-1]["id"], "yes")
    group.ok.contact(RESIDENT, "")
    await group.ok.events.drained()

    names = (
        "in_chat_system_chat_started",
        "in_message_created_text",
        "in_message_callback",
        "in_message_created_contact",
    )
    assert [shape_of(event) for event in group.heard.events] == [shape_of(a_body(name)) for name in names]


async def test_an_event_is_one_line_with_cyrillic_as_it_is(group: Group) -> None:
    await group.subscribe()
    group.ok.say(RESIDENT, "Баланс")
    await group.ok.events.drained()

    (body,) = group.heard.bodies

    assert b"\n" not in body
    assert "Баланс".encode() in body


@pytest.mark.parametrize("kind", ["voice", "sticker", "location", "document", "call", "present"])
async def test_whatever_a_resident_sends_is_an_attachment(group: Group, kind: str) -> None:
    await group.subscribe()
    group.ok.send(RESIDENT, kind)
    await group.ok.events.drained()

    assert set(group.heard.events[-1]["message"]) == {"seq", "attachments", "mid"}


async def test_every_webhook_gets_every_event(group: Group) -> None:
    await group.subscribe()
    await group.post("me/subscribe", {"url": f"{group.base}/hook/older"})
    group.ok.say(RESIDENT, "раз")
    await group.ok.events.drained()

    assert len(group.heard.events) == 2


async def test_a_webhook_is_listed_until_it_is_removed(group: Group) -> None:
    await group.subscribe()
    await group.subscribe()
    listed = await group.get("me/subscriptions")
    removed = await group.post("me/unsubscribe", {"url": group.webhook})

    assert shape_of(listed) == shape_of(a_body("out_subscriptions.response"))
    assert removed == {"success": True}
    assert await group.get("me/subscriptions") == {"subscriptions": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": "ftp://x"},
        {"types": ["MESSAGE_EDITED"], "longPolling": True},
        {"url": "https://x", "types": []},
    ],
)
async def test_a_wrong_subscription_is_refused(group: Group, body: dict[str, object]) -> None:
    assert (await group.post("me/subscribe", body))["error_code"] == 100


async def test_what_is_not_acknowledged_comes_again_and_holds_nothing_up(group: Group) -> None:
    group.ok.events.retry_scale = 0.01
    await group.subscribe()
    group.heard.statuses = [503]
    group.ok.say(RESIDENT, "раз")
    group.ok.say(RESIDENT, "два")
    await group.ok.events.drained()

    assert [event["message"]["text"] for event in group.heard.events] == ["раз", "два", "раз"]
    assert group.heard.bodies[0] == group.heard.bodies[2]


async def test_no_more_than_the_deadline_is_waited_for(group: Group) -> None:
    group.ok.events.deadline_s = 0.05
    group.heard.pause = asyncio.Event()
    await group.subscribe()
    group.ok.say(RESIDENT, "раз")
    await group.heard.again.wait()
    group.heard.pause.set()
    await group.ok.events.drained()

    assert group.heard.bodies[0] == group.heard.bodies[1]


async def test_a_webhook_that_never_answers_well_is_forgotten_in_silence(group: Group) -> None:
    group.ok.events.removed_after_s = 0.0
    await group.subscribe()
    group.heard.statuses = [500]
    group.ok.say(RESIDENT, "раз")
    await group.ok.events.drained()

    assert await group.get("me/subscriptions") == {"subscriptions": []}
    assert len(group.heard.events) == 1


async def test_events_may_come_twice_and_in_any_order(group: Group) -> None:
    await group.subscribe()
    group.ok.events.twice = True
    group.ok.events.hold()
    group.ok.say(RESIDENT, "раз")
    group.ok.say(RESIDENT, "два")
    group.ok.events.release(reverse=True)
    await group.ok.events.drained()

    assert [event["message"]["text"] for event in group.heard.events] == ["два", "два", "раз", "раз"]


async def test_long_polling_must_be_asked_for(group: Group) -> None:
    assert await group.get("me/updates") == a_body("err_5000_invalid_response")


async def test_long_polling_gives_updates_until_their_marker_comes_back(group: Group) -> None:
    await group.post("me/subscribe", a_body("out_subscribe_long_polling.request"))
    group.ok.say(RESIDENT, "раз")

    first = await group.get("me/updates")
    again = await group.get("me/updates")
    group.ok.say(RESIDENT, "два")
    after = await group.get("me/updates", marker=str(first["marker"]))

    assert first == again
    assert [each["message"]["text"] for each in after["updates"]] == ["два"]


async def test_long_polling_waits_for_something_to_happen(group: Group) -> None:
    await group.post("me/subscribe", a_body("out_subscribe_long_polling.request"))
    poll = asyncio.create_task(group.get("me/updates"))
    while not poll.done():
        await asyncio.sleep(0.01)
        group.ok.say(RESIDENT, "раз")

    assert (await poll)["updates"]


# --- Residents ------------------------------------------------------------------------------------


async def test_one_who_begins_with_words_is_heard_by_these_alone(group: Group) -> None:
    await group.subscribe()
    group.ok.start("newcomer", "ls_4f2Qk9ZtB1")
    await group.ok.events.drained()

    assert [event["webhookType"] for event in group.heard.events] == ["MESSAGE_CREATED"]
    assert group.heard.events[0]["message"]["text"] == "ls_4f2Qk9ZtB1"


async def test_two_presses_of_one_button_differ(group: Group) -> None:
    await group.subscribe()
    await group.send(attachments=[keyboard(ROW)])
    for _ in range(2):
        group.ok.press(RESIDENT, group.shown()[-1]["id"], "yes")
    await group.ok.events.drained()

    first, second = group.heard.events
    assert first["mid"] == second["mid"]
    assert first["callbackId"] != second["callbackId"]


async def test_a_long_text_is_cut_by_the_app(group: Group) -> None:
    group.ok.say(RESIDENT, "я" * 2001)

    assert [len(said["text"]) for said in group.shown()] == [2000, 1]


async def test_a_contact_button_shares_the_number(group: Group) -> None:
    await group.subscribe()
    await group.send(
        attachments=[keyboard([{"type": "REQUEST_CONTACT", "text": "Номер", "intent": "DEFAULT"}])]
    )
    shown = group.shown()[-1]
    group.ok.press(RESIDENT, shown["id"], shown["buttons"][0][0]["id"])
    await group.ok.events.drained()

    (attachment,) = group.heard.events[-1]["message"]["attachments"]
    assert attachment["payload"]["phone"].startswith("7900000")


async def test_a_photo_can_be_fetched_by_the_bot(group: Group) -> None:
    await group.subscribe()
    group.ok.photo(RESIDENT, Picture("meter.png", "image/png", a_picture()), "хвс 152")
    await group.ok.events.drained()
    message = group.heard.events[-1]["message"]

    async with group.session.get(message["attachments"][0]["payload"]["url"]) as answer:
        assert await answer.read() == a_picture()
    assert message["text"] == "хвс 152"


async def test_a_phone_shows_plain_words_and_no_markup(group: Group) -> None:
    await group.send("<b>1</b> https://example.org/?a=1&b=2", attachments=[keyboard([a_link()])])

    shown = group.shown()[-1]

    assert shown["html"] == (
        '&lt;b&gt;1&lt;/b&gt; <a href="https://example.org/?a=1&amp;b=2" target="_blank" '
        'rel="noopener noreferrer">https://example.org/?a=1&amp;b=2</a>'
    )
    assert shown["buttons"][0][0]["kind"] == "link"


async def test_what_no_phone_allows_is_refused(group: Group) -> None:
    with pytest.raises(ResidentRefusedError, match="never started"):
        group.ok.say("nobody", "x")
    with pytest.raises(ResidentRefusedError, match="no message"):
        group.ok.press(RESIDENT, 99, "yes")
    with pytest.raises(ResidentRefusedError, match="empty"):
        group.ok.say(RESIDENT, " ")
    with pytest.raises(ResidentRefusedError, match="neither a JPEG nor a PNG"):
        group.ok.photo(RESIDENT, Picture("a.gif", "image/gif", b"GIF89a"), "")
    with pytest.raises(ResidentRefusedError, match="none of"):
        group.ok.send(RESIDENT, "money")


async def test_a_blocked_group_is_not_written_to(group: Group) -> None:
    group.ok.block(RESIDENT)

    with pytest.raises(ResidentRefusedError, match="has blocked the bot"):
        group.ok.say(RESIDENT, "x")

    group.ok.start(RESIDENT, "")
    group.ok.say(RESIDENT, "x")


async def test_an_old_button_can_be_pressed_but_none_that_never_was(group: Group) -> None:
    await group.send(attachments=[keyboard(ROW)])
    card = group.shown()[-1]["id"]
    await group.send()

    group.ok.press(RESIDENT, card, "yes")
    with pytest.raises(ResidentRefusedError, match="no button"):
        group.ok.press(RESIDENT, card, "no")
