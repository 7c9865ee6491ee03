"""Our message as Telegram's calls."""

from typing import Any

import pytest
from aiogram.types import BufferedInputFile
from hypothesis import given
from hypothesis import strategies as st

from adapters.telegram_messages import encode
from core.channel import RenderedFile, Sending
from core.messages import Key, Message, Span

CHART = RenderedFile("chart.png", "image/png", b"\x89PNG", "sha-of-chart")
BILL = RenderedFile("kvitok-2026-09.pdf", "application/pdf", b"%PDF", "sha-of-bill")


def a_sending(
    *spans: Span,
    keyboard: tuple[tuple[Key, ...], ...] = (),
    replaces: str | None = None,
    files: tuple[RenderedFile, ...] = (),
    known_files: dict[str, str] | None = None,
    plain: bool = False,
) -> Sending:
    message = Message(spans, keyboard, replaces=replaces)
    return Sending("412587349", 17, message, files, known_files or {}, plain=plain)


def calls(sending: Sending) -> list[tuple[str, dict[str, Any]]]:
    """The calls' names with the fields that were set."""
    return [(step.__api_method__, step.model_dump(exclude_unset=True)) for step in encode(sending)]


def fields(sending: Sending) -> dict[str, Any]:
    ((_, only),) = calls(sending)
    return only


def test_styles_are_tags_and_everything_else_is_escaped() -> None:
    spans = (
        Span("ул. <Мира> & К° "),
        Span('«ХВС "кухня"»', "b"),
        Span("№<1>", "c"),
        Span("a  <b", "pre"),
        Span("оплатить", "a", 'https://pay.example/?a=1&b="2"'),
    )

    assert fields(a_sending(*spans))["text"] == (
        "ул. &lt;Мира&gt; &amp; К° <b>«ХВС &quot;кухня&quot;»</b><code>№&lt;1&gt;</code><pre>a  &lt;b</pre>"
        '<a href="https://pay.example/?a=1&amp;b=&quot;2&quot;">оплатить</a>'
    )


def test_a_text_goes_as_html_without_a_preview_of_its_links() -> None:
    sent = fields(a_sending(Span("Здравствуйте")))

    assert sent["parse_mode"] == "HTML"
    assert sent["link_preview_options"]["is_disabled"] is True


def test_what_was_refused_for_its_markup_goes_plain() -> None:
    sent = fields(a_sending(Span("<", "b"), Span("оплатить", "a", "https://pay.example"), plain=True))

    assert (sent["text"], sent["parse_mode"]) == ("<оплатить https://pay.example", None)


def test_buttons_stand_under_the_message() -> None:
    keyboard = ((Key("Сохранить", "press", "save:1"), Key("Оплатить", "link", "https://pay.example/i")),)

    sent = fields(a_sending(Span("152?"), keyboard=keyboard))

    rows = [
        [{name: value for name, value in key.items() if value is not None} for key in row]
        for row in sent["reply_markup"]["inline_keyboard"]
    ]
    assert rows == [
        [
            {"text": "Сохранить", "callback_data": "save:1"},
            {"text": "Оплатить", "url": "https://pay.example/i"},
        ]
    ]


def test_a_contact_is_asked_for_at_the_bottom_beside_labels_and_links_go_into_the_text() -> None:
    keyboard = (
        (Key("Поделиться номером", "contact"),),
        (Key("Политика", "link", "https://erkc.example/p"),),
        (Key("Отмена", "press", "cancel"),),
    )

    sent = fields(a_sending(Span("Ваш номер?"), keyboard=keyboard))

    bottom = sent["reply_markup"]["keyboard"]
    assert [[(key["text"], key.get("request_contact")) for key in row] for row in bottom] == [
        [("Поделиться номером", True)],
        [("Отмена", None)],
    ]
    assert sent["text"] == 'Ваш номер?\n<a href="https://erkc.example/p">Политика</a>'


def test_an_answer_to_a_press_replaces_the_message_and_its_buttons() -> None:
    ((method, sent),) = calls(a_sending(Span("Принято"), replaces="1202"))

    assert (method, sent["message_id"], sent["reply_markup"]) == ("editMessageText", 1202, None)


def test_what_asks_for_a_contact_cannot_be_an_edit() -> None:
    sending = a_sending(Span("Номер?"), keyboard=((Key("Мой", "contact"),),), replaces="1202")

    assert [method for method, _ in calls(sending)] == ["sendMessage"]


def test_a_picture_is_a_photo_and_the_rest_are_documents() -> None:
    sending = a_sending(Span("Расход"), files=(BILL, CHART))

    assert [(method, sent.get("caption")) for method, sent in calls(sending)] == [
        ("sendDocument", None),
        ("sendPhoto", "Расход"),
    ]


def test_a_file_is_uploaded_under_its_name() -> None:
    sent = fields(a_sending(Span("Квитанция"), files=(BILL,)))

    assert isinstance(sent["document"], BufferedInputFile)
    assert sent["document"].filename == "kvitok-2026-09.pdf"


def test_a_file_that_was_uploaded_before_goes_by_its_id() -> None:
    sent = fields(a_sending(Span("Расход"), files=(CHART,), known_files={"sha-of-chart": "AgAC"}))

    assert sent["photo"] == "AgAC"


def test_words_too_long_for_a_caption_follow_the_file() -> None:
    keyboard = ((Key("Меню", "press", "menu"),),)

    (_, photo), (method, text) = calls(a_sending(Span("я" * 1025), files=(CHART,), keyboard=keyboard))

    assert "caption" not in photo
    assert (method, len(text["text"])) == ("sendMessage", 1025)
    assert text["reply_markup"] is not None


@pytest.mark.parametrize(("chat", "replaces"), [("not a number", None), ("1", "x1202")])
def test_what_is_no_id_of_telegrams_is_refused_before_it_is_sent(chat: str, replaces: str | None) -> None:
    with pytest.raises(ValueError):
        encode(Sending(chat, 1, Message((Span("а"),), replaces=replaces)))


@given(st.text(min_size=1), st.sampled_from(["", "b", "c", "pre"]))
def test_no_text_can_bring_tags_of_its_own(words: str, style: str) -> None:
    sent = fields(a_sending(Span(words, style)))["text"]

    assert sent.count("<") == sent.count(">") == (2 if style else 0)
