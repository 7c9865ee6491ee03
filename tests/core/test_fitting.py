"""Whatever is said comes out within a channel's limits, and nothing that could be chosen is lost."""

from collections.abc import Sequence
from functools import partial
from itertools import chain
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.channel import Capabilities
from core.fitting import PAGE_ACTION, Fitted, choose, fit, led_by
from core.messages import (
    BillDocument,
    Key,
    LinkButton,
    Month,
    PressButton,
    Reply,
    Table,
    press,
    say,
    text,
)
from core.money import Money
from core.wording import Words

WORDS = Words("ru", ZoneInfo("Europe/Moscow"))
ROOMY = Capabilities(
    text_chars_max=4096,
    caption_chars_max=1024,
    rows_max=100,
    columns_max=8,
    buttons_max=100,
    label_chars_max=64,
    edits=True,
    bold=True,
    monospaced=True,
)
TIGHT = Capabilities(
    text_chars_max=60,
    caption_chars_max=20,
    rows_max=4,
    columns_max=2,
    buttons_max=6,
    label_chars_max=8,
)
NO_KEYBOARD = Capabilities(
    text_chars_max=300,
    caption_chars_max=20,
    rows_max=0,
    columns_max=0,
    buttons_max=0,
    label_chars_max=40,
    keyboard="none",
    link_button=False,
)

channels = st.builds(
    Capabilities,
    text_chars_max=st.integers(200, 4096),
    caption_chars_max=st.integers(0, 1024),
    rows_max=st.integers(3, 12),
    columns_max=st.integers(1, 8),
    buttons_max=st.integers(4, 40),
    label_chars_max=st.integers(6, 64),
    row_chars_max=st.sampled_from([0, 6, 20, 40]),
    keyboard=st.sampled_from(["inline", "bottom", "none"]),
    edits=st.booleans(),
    bold=st.booleans(),
    monospaced=st.booleans(),
    link_button=st.booleans(),
    utf16=st.booleans(),
)
verbatim = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1).filter(
    str.strip
)
buttons = st.one_of(
    st.builds(
        lambda label, data: PressButton(text("verbatim", text=label), f"a:{data}"),
        verbatim,
        st.integers(0, 10**9),
    ),
    st.builds(lambda label: LinkButton(text("verbatim", text=label), "https://example.org/p/1"), verbatim),
)
paragraphs = st.one_of(
    st.builds(lambda words: text("verbatim", text=words), verbatim),
    st.builds(
        lambda rows: Table(tuple((label, Money(amount)) for label, amount in rows)),
        st.lists(st.tuples(verbatim, st.integers(0, 10**9)), min_size=1, max_size=20),
    ),
)
replies = st.builds(
    lambda body, rows: say(*body, keyboard=tuple(map(tuple, rows))),
    st.lists(paragraphs, min_size=1, max_size=8),
    st.lists(st.lists(buttons, min_size=1, max_size=9), max_size=9),
)


@given(replies, channels)
def test_what_comes_out_is_within_the_channels_limits(reply: Reply, channel: Capabilities) -> None:
    fitted = fit(reply, words=WORDS, within=channel)

    for message in fitted.messages:
        keys = list(chain.from_iterable(message.keyboard))
        assert 0 < _length(message.plain, channel) <= channel.text_chars_max
        assert len(message.keyboard) <= channel.rows_max
        assert len(keys) <= channel.buttons_max
        assert all(len(row) <= channel.columns_max for row in message.keyboard)
        assert all(len(key.label) <= channel.label_chars_max for key in keys)
        assert all(map(partial(_is_shown_whole, within=channel), message.keyboard))


def _is_shown_whole(row: Sequence[Key], within: Capabilities) -> bool:
    """Whether the labels of *row* are shown whole, as far as its width is what cuts them."""
    evenly = max(len(key.label) for key in row) * len(row)
    return len(row) == 1 or not within.row_chars_max or evenly <= within.row_chars_max


def test_buttons_stand_side_by_side_only_where_their_labels_are_shown_whole() -> None:
    narrow = msgspec.structs.replace(ROOMY, columns_max=3, row_chars_max=20)
    rows = [("Да", "Нет", "Позже"), ("Передать показания", "Меню"), ("Январь", "Февраль", "Сентябрь")]
    keyboard = tuple(
        tuple(PressButton(text("verbatim", text=label), f"a:{label}") for label in row) for row in rows
    )

    (shown,) = fit(say(text("menu-plain"), keyboard=keyboard), words=WORDS, within=narrow).messages

    assert [[key.label for key in row] for row in shown.keyboard] == [
        ["Да", "Нет", "Позже"],
        ["Передать показания"],
        ["Меню"],
        ["Январь", "Февраль"],
        ["Сентябрь"],
    ]


def _length(words: str, channel: Capabilities) -> int:
    return len(words.encode("utf-16-le")) // 2 if channel.utf16 else len(words)


def test_a_text_is_cut_where_the_channel_counts_it_full() -> None:
    wide = msgspec.structs.replace(ROOMY, utf16=True)
    pictograms = say(text("verbatim", text="💧" * 5000))

    lengths = [
        [len(message.plain) for message in fit(pictograms, words=WORDS, within=each).messages]
        for each in (ROOMY, wide)
    ]

    assert lengths == [[4096, 904], [2048, 2048, 904]]


@given(replies, channels)
def test_every_choice_can_be_reached(reply: Reply, channel: Capabilities) -> None:
    wanted = {button.payload for row in reply.keyboard for button in row if isinstance(button, PressButton)}

    reached = set()
    for fitted in _all_pages(reply, channel):
        shown = "\n".join(message.plain for message in fitted.messages)
        if channel.keyboard == "none" and fitted.offered:
            marks = [line.split(".")[0] for line in shown.splitlines() if line.split(".")[0].isdigit()]
            reached |= {choose(fitted.offered, mark) for mark in marks}
        reached |= {key.data for message in fitted.messages for key in chain.from_iterable(message.keyboard)}

    assert wanted <= reached


def _all_pages(reply: Reply, channel: Capabilities) -> list[Fitted]:
    return [
        fit(
            Reply(reply.body, reply.keyboard, page=page),
            words=WORDS,
            within=channel,
        )
        for page in range(82)
    ]


@given(replies, channels)
def test_no_word_of_the_text_is_lost(reply: Reply, channel: Capabilities) -> None:
    whole = fit(reply, words=WORDS, within=msgspec.structs.replace(channel, text_chars_max=10**6))
    split = fit(reply, words=WORDS, within=channel)

    assert _letters(split) == _letters(whole)


def _letters(fitted: Fitted) -> str:
    return "".join("".join(message.plain.split()) for message in fitted.messages)


def test_a_long_text_is_cut_at_a_paragraphs_end() -> None:
    reply = say(text("verbatim", text="а" * 40), text("verbatim", text="б" * 40))

    fitted = fit(reply, words=WORDS, within=TIGHT)

    assert [message.plain for message in fitted.messages] == ["а" * 40, "б" * 40]


def test_a_keyboard_goes_under_the_last_part() -> None:
    reply = say(text("verbatim", text="а " * 60), keyboard=((press("menu-button", "menu"),),))

    fitted = fit(reply, words=WORDS, within=TIGHT)

    assert [bool(message.keyboard) for message in fitted.messages] == [False, True]


def test_a_keyboard_too_big_is_paged_with_the_way_out_on_each_page() -> None:
    rows = tuple((press("verbatim", f"a:{number}", text=f"{number}"),) for number in range(5))
    reply = say(text("menu-button"), keyboard=(*rows, (press("menu-button", "menu"),)))

    first, second = (
        fit(Reply(reply.body, reply.keyboard, page=page), words=WORDS, within=TIGHT) for page in (0, 1)
    )

    def shown(fitted: Fitted) -> list[str]:
        keys = chain.from_iterable(fitted.messages[-1].keyboard)
        return [PAGE_ACTION if key.data.startswith(PAGE_ACTION) else key.data for key in keys]

    assert shown(first) == ["a:0", "a:1", PAGE_ACTION, "menu"]
    assert shown(second) == ["a:2", "a:3", PAGE_ACTION, "menu"]


def test_sums_are_aligned_where_there_is_a_monospaced_block() -> None:
    table = Table((("Вода", Money(12_345)), ("Очень длинное название услуги отопления", Money(5))))

    spans = fit(say(table), words=WORDS, within=ROOMY).messages[0].spans

    assert [span.style for span in spans] == ["pre"]
    assert spans[0].text.split("\n") == [
        "Вода                      123,45\N{NO-BREAK SPACE}₽",
        "Очень длинное название услуги отопления",
        "                            0,05\N{NO-BREAK SPACE}₽",
    ]


def test_sums_stand_a_line_each_where_there_is_none() -> None:
    fitted = fit(say(Table((("Вода", Money(12_345)), ("Газ", Money(5))))), words=WORDS, within=TIGHT)

    assert fitted.messages[0].plain == "Вода: 123,45\N{NO-BREAK SPACE}₽\nГаз: 0,05\N{NO-BREAK SPACE}₽"


@pytest.mark.parametrize(("numeric", "typed"), [(False, "2"), (True, "б"), (True, "Б)"), (False, " 2. ")])
def test_a_spelled_out_choice_is_picked_by_its_mark(numeric: bool, typed: str) -> None:
    keyboard = ((press("back-button", "a"), press("menu-button", "b")),)
    fitted = fit(
        say(text("more-button"), keyboard=keyboard, numeric=numeric), words=WORDS, within=NO_KEYBOARD
    )

    assert fitted.offered is not None
    assert choose(fitted.offered, typed) == "b"


def test_a_typed_number_is_no_choice_where_letters_were_offered() -> None:
    keyboard = ((press("back-button", "a"), press("menu-button", "b")),)
    fitted = fit(say(text("more-button"), keyboard=keyboard, numeric=True), words=WORDS, within=NO_KEYBOARD)

    assert fitted.offered is not None
    assert choose(fitted.offered, "2") is None


def test_a_typed_label_is_a_press() -> None:
    fitted = fit(
        say(text("more-button"), keyboard=((press("menu-button", "menu"),),)), words=WORDS, within=ROOMY
    )

    assert fitted.offered is not None
    assert choose(fitted.offered, "меню!") == "menu"
    assert choose(fitted.offered, "") is None


def test_a_press_edits_its_message_only_where_the_channel_can() -> None:
    reply = say(text("menu-button"), replaces=True)

    edited = fit(reply, words=WORDS, within=ROOMY, replaces="17").messages[0]
    sent = fit(reply, words=WORDS, within=TIGHT, replaces="17").messages[0]

    assert (edited.replaces, sent.replaces) == ("17", None)


def test_a_document_carries_a_text_that_fits_as_its_caption() -> None:
    bill = BillDocument(1, Month(2026, 10))
    short = fit(say(text("menu-button"), documents=(bill,)), words=WORDS, within=TIGHT)
    long = fit(say(text("verbatim", text="а" * 30), documents=(bill,)), words=WORDS, within=TIGHT)

    assert [(message.plain, message.documents) for message in short.messages] == [("Меню", (bill,))]
    assert [(message.plain, message.documents) for message in long.messages] == [
        ("", (bill,)),
        ("а" * 30, ()),
    ]


def test_what_fills_a_text_cannot_mark_it_up() -> None:
    fitted = fit(say(text("verbatim", text="*жирно* `код` {x}")), words=WORDS, within=ROOMY)

    assert [tuple(span.style for span in fitted.messages[0].spans)] == [("",)]
    assert fitted.messages[0].plain == "*жирно* `код` {x}"


@given(reply=replies, within=channels)
def test_what_leads_a_fitted_message_is_there_and_the_message_still_fits(
    reply: Reply, within: Capabilities
) -> None:
    fitted = fit(reply, words=WORDS, within=within).messages[-1]

    led = led_by(fitted, Key("Да", "link", "https://example.org/s/1"), WORDS, within)

    addresses = [key.data for row in led.keyboard for key in row]
    assert "https://example.org/s/1" in [*addresses, *led.plain.split()]
    assert len(led.keyboard) <= max(within.rows_max, len(fitted.keyboard))
    assert sum(map(len, led.keyboard)) <= within.buttons_max or led.keyboard == fitted.keyboard
    choices = [key.data for row in fitted.keyboard for key in row]
    assert addresses[len(addresses) - len(choices) :] == choices


def test_a_press_that_has_no_room_is_left_out() -> None:
    fitted = fit(say(text("menu-plain")), words=WORDS, within=NO_KEYBOARD).messages[0]

    assert led_by(fitted, Key("Да", "press", "show:1"), WORDS, NO_KEYBOARD) == fitted
