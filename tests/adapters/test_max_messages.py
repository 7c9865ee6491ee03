"""Our messages as MAX takes them."""

from collections.abc import Sequence
from html.parser import HTMLParser

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.max_messages import ATTACHMENTS_MAX, CAPABILITIES, TEXT_UNITS_MAX, encode
from core.channel import RenderedFile, Sending
from core.messages import Key, Message, Span
from tests.making_max_api import A_SENDING, BILL, QR

TOKENS = {"sha-of-bill": "tokDEMOFILE", "sha-of-qr": "tokDEMOIMG"}


def a_sending(*spans: Span, files: Sequence[RenderedFile] = (), **fields: object) -> Sending:
    message = Message(spans, **fields)  # type: ignore[arg-type]  # fields of a message
    return msgspec.structs.replace(A_SENDING, message=message, files=files)


def test_styles_are_marked_up_and_what_looks_like_markup_is_not() -> None:
    body = encode(
        a_sending(
            Span("К оплате <b> & "),
            Span("3 412,57 ₽", "b"),
            Span("0100", "c"),
            Span("ХВС  1", "pre"),
            Span("Сайт", "a", 'https://example.org/?a=1&b="2"'),
        ),
        {},
    )

    assert body == {
        "text": "К оплате &lt;b&gt; &amp; <b>3 412,57 ₽</b><code>0100</code><pre>ХВС  1</pre>"
        '<a href="https://example.org/?a=1&amp;b=&quot;2&quot;">Сайт</a>',
        "format": "html",
        "attachments": [],
    }


def test_plain_words_are_sent_as_they_are() -> None:
    assert encode(a_sending(Span("a < b & c")), {}) == {"text": "a < b & c", "attachments": []}


def test_markup_is_left_out_where_the_platform_could_not_read_it() -> None:
    spans = (Span("К оплате", "b"), Span(" "), Span("Сайт", "a", "https://example.org"))
    plainly = msgspec.structs.replace(a_sending(*spans), plain=True)

    assert encode(plainly, {})["text"] == "К оплате Сайт https://example.org"


def test_markup_is_left_out_where_there_is_no_room_for_it() -> None:
    body = encode(a_sending(Span("я" * 3990), Span("&&&&&&&&&&", "b")), {})

    assert body["text"] == "я" * 3990 + "&" * 10
    assert "format" not in body


def test_a_link_gives_its_address_up_where_there_is_no_room() -> None:
    body = encode(a_sending(Span("я" * 3990), Span("Сайт", "a", "https://example.org")), {})

    assert body["text"] == "я" * 3990 + "Сайт"


def test_buttons_are_an_attachment() -> None:
    keyboard = (
        (Key("Передать", "press", "read"), Key("Оплатить", "link", "https://pay.example.org/i/8Kd02")),
        (Key("Отправить номер", "contact"),),
    )

    (attachment,) = encode(a_sending(Span("Что?"), keyboard=keyboard), {})["attachments"]

    assert attachment == {
        "type": "inline_keyboard",
        "payload": {
            "buttons": [
                [
                    {"type": "callback", "text": "Передать", "payload": "read"},
                    {"type": "link", "text": "Оплатить", "url": "https://pay.example.org/i/8Kd02"},
                ],
                [{"type": "request_contact", "text": "Отправить номер"}],
            ]
        },
    }


def test_a_picture_and_a_document_stand_before_the_keyboard() -> None:
    menu = ((Key("Меню", "press", "menu"),),)

    kinds = [
        [each["type"] for each in encode(a_sending(files=(file,), keyboard=menu), TOKENS)["attachments"]]
        for file in (QR, BILL)
    ]

    assert kinds == [["image", "inline_keyboard"], ["file", "inline_keyboard"]]


def test_a_bare_file_has_no_text() -> None:
    assert encode(a_sending(files=(BILL,)), TOKENS) == {
        "text": None,
        "attachments": [{"type": "file", "payload": {"token": "tokDEMOFILE"}}],
    }


@pytest.mark.parametrize(
    "sending",
    [
        a_sending(),
        a_sending(Span("x"), files=(BILL, QR)),
        a_sending(Span("x"), files=(QR,) * (ATTACHMENTS_MAX + 1)),
        a_sending(Span("x"), keyboard=((Key("x", "link", "https://example.org/" + "x" * 2048),),)),
    ],
    ids=["nothing", "a document beside a picture", "too many pictures", "a long address"],
)
def test_what_no_message_can_carry_is_not_written(sending: Sending) -> None:
    with pytest.raises(ValueError, match=r".+"):
        encode(sending, TOKENS)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def handle_data(self, data: str) -> None:
        self.text += data


spans = st.builds(
    Span,
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=1500),
    st.sampled_from(["", "b", "c", "pre", "a"]),
    st.just("https://example.org"),
)


@given(st.lists(spans, min_size=1, max_size=4).filter(lambda found: any(each.text for each in found)))
def test_whatever_fits_is_sent_within_the_limit_and_reads_as_it_was_meant(said: list[Span]) -> None:
    sending = a_sending(*said)
    if len(sending.message.plain.encode("utf-16-le")) // 2 > CAPABILITIES.text_chars_max:
        return
    body = encode(sending, {})

    assert len(body["text"].encode("utf-16-le")) // 2 <= TEXT_UNITS_MAX
    if "format" in body:
        reader = _Reader()
        reader.feed(body["text"])
        reader.close()
        assert reader.text == sending.message.plain
