"""What Viber posts, read; and that nothing it could ever post breaks the reading."""

import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.viber_updates import BEGUN, PRESSED, SIGNATURE_HEADER, Opened, check, decode, parse, signed
from core.channel import Received, Refused
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable

BODIES = Path(__file__).parents[1] / "bodies" / "viber"
SAMPLES = sorted(path for path in BODIES.glob("in_*.json") if ".headers" not in path.name)
TOKEN = "demo0000demo0000-demo0000demo0000-demo0000demo0000"
USER = "jK3mQ9vT2xLr8WbNz5HcYg=="
PICTURE = "https://dl-media.viber.com/5/media/2/short/any/sig/eid/0x0/demo.jpg"

READ: dict[str, Said] = {
    "in_message_text": Text("Передать показания: хвс 152"),
    "in_message_text.wire": Text("Передать показания: хвс 152"),
    "in_message_no_name_placeholder": Text("Баланс"),
    "in_message_button_reply": Press("v1:9f3c:add"),
    "in_message_contact_share_phone": Contact("+79035550102", own=False),
    "in_message_contact_foreign": Contact("+79035550199", own=False),
    "in_message_picture": Photo(PICTURE, "счётчик"),
    "in_message_file": Unreadable("file"),
    "in_message_video": Unreadable("video"),
    "in_message_location": Unreadable("location"),
    "in_message_sticker": Unreadable("sticker"),
    "in_message_url": Unreadable("url"),
    "in_message_unknown_type_synthetic": Unreadable("something_new"),
    "in_subscribed": Started(silent=True),
    "in_unsubscribed": Stopped(),
}
IGNORED = {
    "in_message_button_open_url_echo": "the echo of a pressed link",
    "in_conversation_started_again_subscribed": "a subscriber looks at the chat",
    "in_delivered": "a receipt: delivered",
    "in_delivered_second_device": "a receipt: delivered",
    "in_seen": "a receipt: seen",
    "in_webhook": "a trial call",
    "in_client_status_payment": "an event that we did not ask for: client_status",
    "in_unknown_event_synthetic": "an event that we did not ask for: something_new",
}
OPENED = {
    "in_conversation_started": Opened("ru", ""),
    "in_conversation_started_context": Opened("ru", "acc-0100200300"),
}


def sample(name: str) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads((BODIES / f"{name}.json").read_text(encoding="utf-8"))
    return fields


def heard(name: str, **changed: Any) -> Incoming:
    """The one update of a sample whose top level has *changed* fields."""
    received = decode(sample(name) | changed)
    assert isinstance(received, Received)
    (incoming,) = received.updates
    return incoming


def said(text: str) -> Received | Opened:
    return decode(sample("in_message_text") | {"message": {"type": "text", "text": text}})


def said_as(meant: Said) -> Received:
    """What the sample of a text comes to if it says *meant*."""
    return Received((msgspec.structs.replace(heard("in_message_text"), said=meant),))


@pytest.mark.parametrize(("name", "meant"), READ.items())
def test_every_kind_of_event_is_read_as_what_it_says(name: str, meant: Said) -> None:
    assert heard(name).said == meant


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_says_nothing_to_us_is_left_with_a_reason(name: str, reason: str) -> None:
    assert decode(sample(name)) == Received((), ignored=reason)


@pytest.mark.parametrize(("name", "opened"), OPENED.items())
def test_who_may_not_be_written_to_yet_is_welcomed(name: str, opened: Opened) -> None:
    assert decode(sample(name)) == opened


def test_no_sample_is_left_out_of_these_tables() -> None:
    assert {path.stem for path in SAMPLES} == READ.keys() | IGNORED.keys() | OPENED.keys() | {"in_failed"}


def test_an_event_says_who_spoke_and_when() -> None:
    assert heard("in_message_text") == Incoming(
        channel="viber",
        chat=USER,
        sender=USER,
        key="5912661846655238959",
        order=1790150400000,
        sent_at=datetime(2026, 9, 23, 8, 0, tzinfo=UTC),
        said=Text("Передать показания: хвс 152"),
        language="ru",
    )


def test_a_token_is_the_same_key_as_number_and_as_text() -> None:
    as_text = heard("in_message_text", message_token="5912661846655238959")

    assert as_text == heard("in_message_text")


def test_a_token_beyond_what_a_float_holds_keeps_its_last_digit() -> None:
    assert heard("in_message_text", message_token=2**63 - 1).key == "9223372036854775807"


def test_a_press_on_begin_opens_the_chat_with_the_links_payload() -> None:
    assert said(f"{BEGUN}ls_4f2Qk9") == said_as(Started("ls_4f2Qk9"))
    assert said(BEGUN) == said_as(Started(""))


def test_a_payload_that_no_link_of_ours_has_is_left_out() -> None:
    assert said(f"{BEGUN}кто? <там>") == said_as(Started(""))
    assert decode(sample("in_conversation_started") | {"context": "x" * 65}) == Opened("ru", "")


def test_a_subscriber_who_comes_by_a_link_has_begun() -> None:
    fields = sample("in_conversation_started_context") | {"subscribed": True}

    received = decode(fields)

    assert isinstance(received, Received)
    assert [each.said for each in received.updates] == [Started("acc-0100200300")]


def test_a_press_and_the_same_word_typed_differ_by_the_prefix() -> None:
    assert said(f"{PRESSED}bal") == said_as(Press("bal"))
    assert said("bal") == said_as(Text("bal"))


@pytest.mark.parametrize(
    "echo", ["https://pay.example.org/p/8Kd02", " http://x.ru ", "viber://pa?chatURI=a&context=b"]
)
def test_the_echo_of_a_link_is_no_word_of_the_residents(echo: str) -> None:
    assert said(echo) == Received((), ignored="the echo of a pressed link")


@pytest.mark.parametrize("text", ["не открывается https://pay.example.org/p/8Kd02", "https", "152"])
def test_an_address_among_words_is_said_by_a_person(text: str) -> None:
    assert said(text) == said_as(Text(text))


def test_what_our_messages_carried_with_them_changes_nothing() -> None:
    message = {"type": "text", "text": "хвс 152", "tracking_data": "m:erase"}

    assert heard("in_message_text", message=message).said == Text("хвс 152")


def test_a_message_that_was_not_shown_is_told_by_its_chat_and_number() -> None:
    refused = Refused("jK3mQ9vT2xLr8WbNz5HcYg==", "5912661846655299002", "not shown: failure description")

    assert decode(sample("in_failed")) == Received((), refused=(refused,))


# --- Proof of the sender --------------------------------------------------------------------------

WIRE = (BODIES / "in_message_text.wire.json").read_bytes().removesuffix(b"\n")


def headers(name: str) -> dict[str, str]:
    return {key.lower(): value for key, value in sample(f"{name}.headers").items()}


def test_a_signed_body_is_taken() -> None:
    check(TOKEN, headers("in_message_text"), WIRE)


@pytest.mark.parametrize(
    "given_headers", [headers("in_message_text_bad_signature"), {}, {SIGNATURE_HEADER: ""}]
)
def test_a_body_without_its_signature_is_forged(given_headers: dict[str, str]) -> None:
    with pytest.raises(ForgedWebhookError):
        check(TOKEN, given_headers, WIRE)


def test_a_body_changed_by_one_byte_is_forged() -> None:
    with pytest.raises(ForgedWebhookError):
        check(TOKEN, headers("in_message_text"), WIRE.replace(b"152", b"153"))


def test_a_signature_of_strange_letters_is_forged() -> None:
    with pytest.raises(ForgedWebhookError):
        check(TOKEN, {SIGNATURE_HEADER: "пять\udcff"}, WIRE)


def test_a_trial_may_come_unsigned_but_not_wrongly_signed() -> None:
    trial = json.dumps(sample("in_webhook")).encode()

    check(TOKEN, {}, trial)

    with pytest.raises(ForgedWebhookError):
        check(TOKEN, {SIGNATURE_HEADER: "0" * 64}, trial)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"event":"webhook"} ', b'{"event":"webhook","event":"message"}']
)
def test_an_unsigned_body_says_nothing_whatever_it_is(body: bytes) -> None:
    with suppress(ForgedWebhookError):
        check(TOKEN, {}, body)
        assert decode(parse(body)) == Received((), ignored="a trial call")


# --- Whatever else comes --------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner: list[tuple[Any, Any]] = (
        list(value.items())
        if isinstance(value, dict)
        else list(enumerate(value))
        if isinstance(value, list)
        else []
    )
    return [place for key, one in inner for place in ((*path, key), *places(one, (*path, key)))]


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sample with something in it removed or replaced, perhaps cut off."""
    fields = deepcopy(json.loads(draw(st.sampled_from(SAMPLES)).read_bytes()))
    for _ in range(draw(st.integers(0, 3))):
        if not (found := places(fields)):
            break
        *path, last = draw(st.sampled_from(found))
        holder = fields
        for key in path:
            holder = holder[key]
        if draw(st.booleans()):
            holder[last] = draw(JSON)
        else:
            del holder[last]
    body = json.dumps(fields).encode()
    return body[: draw(st.integers(0, len(body)))] if draw(st.integers(0, 4)) == 0 else body


@given(spoilt())
def test_a_spoilt_event_is_read_or_unusable_and_nothing_else(body: bytes) -> None:
    with suppress(UnusableUpdateError):
        decode(parse(body))


@given(st.binary(max_size=200))
def test_any_bytes_are_forged_without_a_signature_and_unusable_with_one(body: bytes) -> None:
    with pytest.raises(ForgedWebhookError):
        check(TOKEN, {}, body)

    check(TOKEN, {SIGNATURE_HEADER: signed(TOKEN, body)}, body)
    with suppress(UnusableUpdateError):
        decode(parse(body))


def test_json_that_is_too_deep_is_unusable() -> None:
    with pytest.raises(UnusableUpdateError):
        parse(b"[" * 100_000)


@pytest.mark.parametrize("lost", ["sender", "message", "message_token", "timestamp"])
def test_a_missing_field_is_named(lost: str) -> None:
    fields = sample("in_message_text")
    del fields[lost]

    with pytest.raises(UnusableUpdateError, match=lost):
        decode(fields)
