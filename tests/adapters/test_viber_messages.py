"""Our message as bodies of Viber's `send_message`."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.viber_messages import CAPABILITIES, PICTURE_BYTES_MAX, Sender, encode, lowered, welcome
from bots.simulator.viber.limits import check_keyboard, check_message, rows_of
from core.channel import RenderedFile, Sending
from core.messages import Key, Message, Span

SENDER = Sender("ЕРКЦ", "https://bot.example.org/avatar.jpg")
CHART = RenderedFile("chart.png", "image/png", b"\x89PNG", "sha-of-chart")
BILL = RenderedFile("kvitok-2026-09.pdf", "application/pdf", b"%PDF", "sha-of-bill")
ADDRESSES = {
    CHART.sha256: "https://pay.example.org/files/t/chart.png",
    BILL.sha256: "https://pay.example.org/files/t/kvitok-2026-09.pdf",
}


def a_sending(
    *spans: Span, keyboard: tuple[tuple[Key, ...], ...] = (), files: tuple[RenderedFile, ...] = ()
) -> Sending:
    return Sending("jK3mQ9==", 17, Message(spans, keyboard), files, address_of=ADDRESSES)


def body(sending: Sending) -> dict[str, Any]:
    (only,) = encode(sending, SENDER)
    return only


def buttons(sending: Sending) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = body(sending)["keyboard"]["Buttons"]
    return found


def test_a_text_says_who_writes_to_whom() -> None:
    sent = body(a_sending(Span("К оплате: "), Span("3 412,57 ₽", "b"), Span(" <вода> & свет")))

    assert (sent["type"], sent["text"]) == ("text", "К оплате: 3 412,57 ₽ <вода> & свет")
    assert sent["receiver"] == "jK3mQ9=="
    assert sent["sender"] == {"name": "ЕРКЦ", "avatar": "https://bot.example.org/avatar.jpg"}
    assert "tracking_data" not in sent


def test_a_hidden_link_shows_its_address() -> None:
    assert body(a_sending(Span("сайт", "a", "https://erkc.ru")))["text"] == "сайт https://erkc.ru"


def test_buttons_press_open_and_share() -> None:
    keyboard = (
        (Key("💧 ХВС < 5 & > 3", "press", "read:41"),),
        (Key("Отмена", "press", "cancel"), Key("Оплатить", "link", "https://pay.example.org/i/8")),
        (Key("Номер", "contact"),),
    )

    press, cancel, link, share = buttons(a_sending(Span("?"), keyboard=keyboard))

    assert (press["ActionType"], press["ActionBody"], press["Columns"]) == ("reply", "m:read:41", 6)
    assert press["Text"] == "💧 ХВС &lt; 5 &amp; &gt; 3"
    assert (cancel["ActionBody"], cancel["Columns"], link["Columns"]) == ("m:cancel", 3, 3)
    assert (link["ActionType"], link["ActionBody"], link["OpenURLType"]) == (
        "open-url",
        "https://pay.example.org/i/8",
        "external",
    )
    assert share["ActionType"] == "share-phone"
    assert all(button["Silent"] for button in (press, cancel, link, share))


@pytest.mark.parametrize(("language", "label"), [("ru", "Меню"), ("en", "Menu")])
def test_a_message_without_buttons_keeps_the_menu_in_reach(language: str, label: str) -> None:
    sending = a_sending(Span("Готово"))
    sending = msgspec.structs.replace(
        sending, message=msgspec.structs.replace(sending.message, language=language)
    )

    assert [(each["Text"], each["ActionBody"]) for each in buttons(sending)] == [(label, "m:menu")]


def test_a_picture_carries_its_caption() -> None:
    sent = body(a_sending(Span("QR для оплаты"), files=(CHART,)))

    assert (sent["type"], sent["media"], sent["text"]) == (
        "picture",
        ADDRESSES[CHART.sha256],
        "QR для оплаты",
    )
    assert "thumbnail" not in sent


def test_a_picture_without_words_has_an_empty_caption() -> None:
    assert body(a_sending(files=(CHART,)))["text"] == ""


def test_a_file_is_followed_by_its_words() -> None:
    file, words = encode(a_sending(Span("Квитанция"), files=(BILL,)), SENDER)

    assert (file["type"], file["size"], file["file_name"]) == ("file", 4, "kvitok-2026-09.pdf")
    assert (words["type"], words["text"]) == ("text", "Квитанция")
    assert file["keyboard"] == words["keyboard"]


def test_a_picture_that_an_iphone_would_not_show_goes_as_a_file() -> None:
    large = msgspec.structs.replace(CHART, body=b"0" * (PICTURE_BYTES_MAX + 1))

    assert body(a_sending(files=(large,)))["type"] == "file"


@pytest.mark.parametrize(
    "sending",
    [
        a_sending(),
        msgspec.structs.replace(a_sending(files=(BILL,)), address_of={}),
        a_sending(files=(msgspec.structs.replace(BILL, body=bytes(50 * 1024 * 1024 + 1)),)),
    ],
    ids=["nothing said", "no address", "too large"],
)
def test_what_no_body_can_carry_is_a_value_error(sending: Sending) -> None:
    with pytest.raises(ValueError, match=r"a (message|file) "):
        encode(sending, SENDER)


def test_the_welcome_has_no_receiver_and_one_button_that_begins() -> None:
    fields = welcome(SENDER, language="ru-RU", context="ls_4f2")

    (begin,) = fields["keyboard"]["Buttons"]
    assert "receiver" not in fields
    assert "ЕРКЦ" in fields["text"]
    assert (begin["Text"], begin["ActionBody"]) == ("Начать", "m:/start:ls_4f2")
    assert welcome(SENDER, language="en", context="")["keyboard"]["Buttons"][0]["Text"] == "Begin"


def test_an_old_client_gets_the_same_without_what_it_cannot_show() -> None:
    keyboard = ((Key("Номер", "contact"),), (Key("Отмена", "press", "cancel"),))

    old = lowered(body(a_sending(Span("Номер?"), keyboard=keyboard)))

    assert old["min_api_version"] == 1
    assert [each["ActionType"] for each in old["keyboard"]["Buttons"]] == ["reply"]


KEYS = st.builds(
    Key,
    st.text(min_size=1, max_size=CAPABILITIES.label_chars_max).filter(str.strip),
    st.just("press"),
    st.text("abc:0123", min_size=1, max_size=64),
) | st.builds(Key, st.just("Оплатить"), st.just("link"), st.just("https://pay.example.org/p/8Kd02"))
ROWS = st.lists(
    st.lists(KEYS, min_size=1, max_size=CAPABILITIES.columns_max).map(tuple),
    max_size=CAPABILITIES.rows_max,
).map(tuple)
WORDS = st.text(min_size=1, max_size=300).filter(str.strip)


@given(WORDS, ROWS)
def test_whatever_fits_the_capabilities_is_taken_and_shown_in_its_rows(
    words: str, rows: tuple[tuple[Key, ...], ...]
) -> None:
    sent = body(a_sending(Span(words), keyboard=rows))

    check_message(sent)
    check_keyboard(sent["keyboard"])
    if rows:
        assert [len(row) for row in rows_of(sent["keyboard"])] == [len(row) for row in rows]


@given(st.lists(KEYS, min_size=1, max_size=6))
def test_the_buttons_of_a_row_fill_the_grid(keys: list[Key]) -> None:
    assert sum(each["Columns"] for each in buttons(a_sending(Span("?"), keyboard=(tuple(keys),)))) == 6


def test_the_longest_russian_message_is_less_than_a_request_may_have() -> None:
    rows = tuple((Key("ы" * 50, "press", "x" * 64),) * 2 for _ in range(12))

    sent = body(a_sending(Span("я" * CAPABILITIES.text_chars_max), keyboard=rows))

    assert len(msgspec.json.encode(sent)) < 30_000
