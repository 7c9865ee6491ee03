"""What MAX sends, read; and that nothing that could ever be sent breaks the reading."""

import hashlib
import hmac
import json
from contextlib import suppress
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.max_updates import GROUPS, SECRET_HEADER, UPDATE_KINDS, check, decode, dialog_in, parse
from adapters.receiving import BODY_BYTES_MAX
from core.channel import Received
from core.errors import ForgedWebhookError, UnusableUpdateError
from core.messages import Contact, Incoming, Photo, Press, Said, Started, Stopped, Text, Unreadable, Voice
from tests.making_max import BODIES, SECRET, TOKEN, a_body

PERSON = "57120448"
CARD = "mid.000000000adbe12601a0cd475fd04b84"
SAMPLES = sorted(
    path.stem
    for path in BODIES.glob("in_*.json")
    if not path.stem.endswith(".headers") and path.stem != "in_updates_long_polling"
)

READ: dict[str, Said] = {
    "in_bot_started": Started(),
    "in_bot_started_payload": Started("acc-0100200300"),
    "in_bot_stopped": Stopped(),
    "in_dialog_removed": Stopped(),
    "in_message_callback": Press("m:v1:9f3c:add", CARD),
    "in_message_callback_message_deleted": Press("m:v1:9f3c:add"),
    "in_message_callback_second_press_same_message": Press("m:v1:9f3c:add", CARD),
    "in_message_created_audio": Voice(),
    "in_message_created_contact_foreign": Contact("+79035550199", own=False),
    "in_message_created_contact_forged": Contact("+79035550199", own=False),
    "in_message_created_contact_own": Contact("+79035550102", own=True),
    "in_message_created_contact_own_escaped_crlf": Contact("+79035550102", own=True),
    "in_message_created_file_pdf": Unreadable("document"),
    "in_message_created_forward": Unreadable("forward"),
    "in_message_created_image": Photo("https://i.oneme.ru/i?r=DEMOPHOTO", "счётчик"),
    "in_message_created_location": Unreadable("location"),
    "in_message_created_reply": Text("да"),
    "in_message_created_share": Text("https://example.org/"),
    "in_message_created_sticker": Unreadable("sticker"),
    "in_message_created_text": Text("Передать показания: хвс 152"),
    "in_message_created_text.wire": Text("Передать показания: хвс 152"),
    "in_message_created_unknown_attachment_synthetic": Unreadable("something_new"),
}
IGNORED = {
    "in_bot_added_to_group": "what happens in a group",
    "in_dialog_cleared": "a cleared dialog: nothing is kept of it here",
    "in_dialog_muted": "a muted dialog: only its sound is off",
    "in_dialog_unmuted": "a dialog that is no longer muted",
    "in_message_created_group_chat": "a message in a group",
    "in_message_created_without_message": "a message that the API does not show",
    "in_message_edited": "an edited message: what was said stands, the resident may say it anew",
    "in_message_removed": "a removed message: what was said stands",
    "in_unknown_update_synthetic": "an update of another kind: something_new",
}


def read(fields: object) -> Received:
    return decode(fields, token=TOKEN)


def heard(name: str, **changed: Any) -> Incoming:
    """The one update of a sample of which the message's body has *changed* fields."""
    fields = a_body(name)
    if changed:
        fields["message"]["body"] |= changed
    (incoming,) = read(fields).updates
    return incoming


@pytest.mark.parametrize(("name", "said"), READ.items())
def test_every_kind_of_update_is_read_as_what_it_says(name: str, said: Said) -> None:
    assert heard(name).said == said


@pytest.mark.parametrize(("name", "reason"), IGNORED.items())
def test_what_says_nothing_to_us_is_left_with_a_reason(name: str, reason: str) -> None:
    assert read(a_body(name)) == Received((), ignored=reason)


def test_no_sample_is_left_out_of_these_tables() -> None:
    assert set(SAMPLES) == READ.keys() | IGNORED.keys()


def test_every_kind_is_asked_for_but_what_happens_in_groups() -> None:
    kinds = {a_body(name)["update_type"] for name in SAMPLES}

    assert set(UPDATE_KINDS) == kinds - {"bot_added", "something_new"}


@pytest.mark.parametrize("kind", sorted(GROUPS))
def test_whatever_happens_in_a_group_is_left(kind: str) -> None:
    fields = {"update_type": kind, "chat_id": -5, "user": {"user_id": 1}, "timestamp": 1}

    assert read(fields) == Received((), ignored="what happens in a group")


@pytest.mark.parametrize("kind", [None, 7, [], {}, "", "comment_created"])
def test_a_kind_that_nobody_knows_is_left(kind: object) -> None:
    assert read({"update_type": kind}).ignored.startswith("an update of another kind")


def test_an_update_tells_which_dialog_its_person_has() -> None:
    told = {name: dialog_in(a_body(name)) for name in SAMPLES}
    silent = {name for name, dialog in told.items() if dialog is None}

    assert {dialog for dialog in told.values() if dialog} == {(PERSON, 182182182)}
    assert silent == {
        "in_bot_added_to_group",
        "in_message_callback_message_deleted",
        "in_message_created_group_chat",
        "in_message_created_without_message",
        "in_message_removed",
        "in_unknown_update_synthetic",
    }


def test_a_message_says_who_spoke_where_and_when() -> None:
    assert heard("in_message_created_text") == Incoming(
        channel="max",
        chat=PERSON,
        sender=PERSON,
        key="mid.000000000adbe12601a0cd4758003d9e",
        order=117319296614415774,
        sent_at=datetime(2026, 9, 23, 8, 0, tzinfo=UTC),
        said=Text("Передать показания: хвс 152"),
        language="ru",
    )


def test_whatever_a_person_does_is_of_one_chat() -> None:
    assert {heard(name).chat for name in READ} == {PERSON}


def test_a_message_without_seq_stands_where_its_time_is() -> None:
    assert heard("in_message_created_text", seq=None).order == 1790150400000 << 16


# --- Presses --------------------------------------------------------------------------------------


def test_a_press_is_newer_than_its_message_and_is_acknowledged_by_its_id() -> None:
    press = heard("in_message_callback")

    assert press.order > 117319296745491332
    assert press.acknowledge == "f9LHodD0cODEMO_1-yQvExmZNjV7gVcaO2Z3Gv6LJpZQ"


def test_a_press_is_newer_than_its_message_whatever_the_clocks_say() -> None:
    fields = a_body("in_message_callback")
    fields["callback"]["timestamp"] = 1

    (press,) = read(fields).updates

    assert press.order == 117319296745491332 + 1


def test_a_second_press_with_the_same_id_is_another_one() -> None:
    fields = a_body("in_message_callback")
    again = deepcopy(fields)
    again["callback"]["timestamp"] += 1
    late = deepcopy(fields) | {"timestamp": 1790150999999}

    keys = [each.key for body in (fields, again, late) for each in read(body).updates]

    assert keys[0] == keys[2] != keys[1]


def test_a_press_without_payload_says_nothing_that_we_know() -> None:
    fields = a_body("in_message_callback")
    del fields["callback"]["payload"]

    (press,) = read(fields).updates

    assert press.said == Press("", CARD)


def test_a_press_in_a_group_is_nothing_to_us() -> None:
    fields = a_body("in_message_callback")
    fields["message"]["recipient"]["chat_type"] = "chat"

    assert read(fields) == Received((), ignored="a press in a group")


# --- Beginnings and ends --------------------------------------------------------------------------


def test_a_stop_and_the_removal_that_comes_with_it_are_one() -> None:
    assert heard("in_bot_stopped").key == heard("in_dialog_removed").key


def test_a_stop_and_a_later_one_are_two() -> None:
    fields = a_body("in_bot_stopped")
    fields["timestamp"] += 1

    (later,) = read(fields).updates

    assert later.key != heard("in_bot_stopped").key


# --- What messages hold ---------------------------------------------------------------------------

PICTURE = {"type": "image", "payload": {"url": "https://i.oneme.ru/2"}}


def test_pictures_sent_together_are_as_many_photos_with_keys_of_their_own() -> None:
    fields = a_body("in_message_created_image")
    fields["message"]["body"]["attachments"].append(PICTURE)

    first, second = read(fields).updates

    assert second.said == Photo("https://i.oneme.ru/2")
    assert second.key == f"{first.key}#1"


@pytest.mark.parametrize(
    ("attachment", "said"),
    [
        ({"type": "file", "payload": {"url": "https://fd.oneme.ru/a"}, "filename": "Счётчик.JPG"}, None),
        ({"type": "file", "payload": {"url": "https://fd.oneme.ru/a"}}, Unreadable("document")),
        ({"type": "video", "payload": {"url": "https://vd.okcdn.ru/a"}}, Unreadable("video")),
        ({"type": "contact", "payload": {"vcf_info": "BEGIN:VCARD"}}, Unreadable("contact")),
        ({"type": "contact", "payload": None}, Unreadable("contact")),
        ({"type": 5}, Unreadable("nameless")),
    ],
)
def test_what_is_attached_is_read_for_what_it_is(attachment: object, said: Said | None) -> None:
    update = heard("in_message_created_audio", attachments=[attachment])

    assert update.said == (said or Photo("https://fd.oneme.ru/a"))


def test_words_are_read_before_what_is_attached_to_them() -> None:
    fields = {"text": "хвс 152", "attachments": [7, {"type": "something_new"}]}

    assert heard("in_message_created_audio", **fields).said == Text("хвс 152")


@pytest.mark.parametrize(
    "change",
    [
        lambda message: message["body"].update(text=None, attachments=None),
        lambda message: message.pop("sender"),
        lambda message: message["sender"].update(is_bot=True),
    ],
    ids=["empty", "of a channel", "a bot's"],
)
def test_what_no_person_says_is_left(change: Any) -> None:
    fields = a_body("in_message_created_text")
    change(fields["message"])

    assert read(fields).updates == ()


# --- The proof of a phone -------------------------------------------------------------------------


def a_contact(card: str, *, signed: str | None = None, person: int = int(PERSON)) -> Contact:
    digest = hmac.new(TOKEN.encode(), (signed or card).encode(), hashlib.sha256).hexdigest()
    payload = {"vcf_info": card, "hash": digest, "max_info": {"user_id": person}}
    said = heard("in_message_created_audio", attachments=[{"type": "contact", "payload": payload}]).said
    assert isinstance(said, Contact)
    return said


def card_of(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in ("BEGIN:VCARD", *lines, "END:VCARD"))


def test_a_contact_that_somebody_else_shared_first_proves_nothing() -> None:
    assert not a_contact(card_of("TEL:79035550102"), person=57120999).own


def test_a_card_that_a_name_adds_a_phone_to_proves_nothing() -> None:
    twofold = card_of("FN:x", "TEL:79990000000", "TEL;TYPE=cell:79035550102")

    assert not a_contact(twofold).own


def test_a_name_with_written_out_line_ends_adds_no_phone() -> None:
    written = card_of("FN:x\\r\\nTEL:79990000000\\r\\n", "TEL;TYPE=cell:+7 903 555-01-02")

    assert a_contact(written) == Contact("+79035550102", own=True)


@pytest.mark.parametrize("digest", [None, 5, "", "ы", "00" * 32])
def test_a_contact_without_the_right_hash_proves_nothing(digest: object) -> None:
    fields = a_body("in_message_created_contact_own")
    fields["message"]["body"]["attachments"][0]["payload"]["hash"] = digest

    (update,) = read(fields).updates

    assert update.said == Contact("+79035550102", own=False)


# --- The secret -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["in_secret_missing.headers", "in_secret_wrong.headers"])
def test_a_webhook_without_its_secret_is_forged(name: str) -> None:
    headers = {header.lower(): value for header, value in a_body(name).items()}

    with pytest.raises(ForgedWebhookError):
        check(SECRET, headers)


@pytest.mark.parametrize("secret", ["", "ы"])
def test_no_secret_lets_nobody_in(secret: str) -> None:
    with pytest.raises(ForgedWebhookError):
        check("", {SECRET_HEADER: secret})
    with pytest.raises(ForgedWebhookError):
        check(SECRET, {SECRET_HEADER: secret})


def test_the_right_secret_passes() -> None:
    check(SECRET, {SECRET_HEADER: SECRET})


# --- Whatever comes -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\xff", b"[" * 10_000, b'{"a":"\\ud800"}', b"x" * (BODY_BYTES_MAX + 1)],
    ids=["empty", "cut", "no utf-8", "deep", "surrogate", "large"],
)
def test_what_is_no_json_is_unusable(body: bytes) -> None:
    with pytest.raises(UnusableUpdateError):
        parse(body)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_any_json_is_read_or_unusable(fields: object) -> None:
    with suppress(UnusableUpdateError):
        read(fields)


@given(st.sampled_from(SAMPLES), st.data())
def test_a_sample_with_anything_in_the_place_of_a_field_is_read_or_unusable(
    name: str, data: st.DataObject
) -> None:
    fields: Any = a_body(name)
    place, key = data.draw(st.sampled_from(_places(fields)))
    place[key] = data.draw(values)

    try:
        received = read(fields)
    except UnusableUpdateError:
        return

    for update in received.updates:
        assert 0 <= update.order < 2**63
        assert update.chat.isdecimal()
        assert "\0" not in update.key


@given(st.sampled_from(SAMPLES), st.data())
def test_a_body_cut_or_spoilt_anywhere_is_read_or_unusable(name: str, data: st.DataObject) -> None:
    body = bytearray(json.dumps(a_body(name)).encode())
    at = data.draw(st.integers(0, len(body) - 1))
    if data.draw(st.booleans()):
        del body[at:]
    else:
        body[at] = data.draw(st.integers(0, 255))

    with suppress(UnusableUpdateError):
        read(parse(bytes(body)))


def _places(fields: Any) -> list[tuple[Any, Any]]:
    """Everything in *fields* that can be replaced: its container and its key."""
    found: list[tuple[Any, Any]] = []
    keys = fields.keys() if isinstance(fields, dict) else range(len(fields))
    for key in keys:
        found.append((fields, key))
        if isinstance(fields[key], dict | list):
            found += _places(fields[key])
    return found
