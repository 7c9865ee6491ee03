"""Telegram's formatting: what is read can be shown, and showing it is always safe."""

from contextlib import suppress
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from bots.simulator.telegram.formatting import SAFE_TAGS, Entity, Formatted, as_typed, read, to_html, units
from bots.simulator.telegram.limits import TelegramRefusedError

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
MARKUP = st.lists(
    st.sampled_from(
        [
            "<b>",
            "</b>",
            "<i>",
            "</i>",
            "<a href='javascript:x'>",
            "</a>",
            "<",
            ">",
            "&lt;",
            "&",
            "😀",
            "я",
            '"',
        ]
    ),
    max_size=12,
).map("".join)


class _Seen(HTMLParser):
    """The tags and the text of a page's part, and whether every tag was closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.nested = True

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.open.append(tag)
        assert {name for name, _ in attrs} <= {"href", "target", "rel"}

    def handle_endtag(self, tag: str) -> None:
        self.nested = self.nested and bool(self.open) and self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(html: str) -> _Seen:
    parser = _Seen()
    parser.feed(html)
    parser.close()
    return parser


@st.composite
def marked(draw: st.DrawFn) -> Formatted:
    text = draw(TEXTS.filter(bool))
    end = units(text)
    kinds = st.sampled_from([*SAFE_TAGS, "text_link", "url", "script", 'x" onload="'])
    spans = st.tuples(kinds, st.integers(0, end - 1), st.integers(1, end), TEXTS)
    entities = [
        Entity(kind, offset, min(length, end - offset), url)
        for kind, offset, length, url in draw(st.lists(spans, max_size=6))
    ]
    return Formatted(text, tuple(sorted(entities, key=lambda entity: (entity.offset, -entity.length))))


@given(marked())
def test_whatever_a_message_holds_its_html_is_safe_and_whole(message: Formatted) -> None:
    shown = seen(to_html(message))

    assert shown.nested
    assert not shown.open
    assert shown.tags <= {*SAFE_TAGS.values(), "a", "span"}


@given(TEXTS)
def test_typed_text_is_shown_as_it_was_typed(text: str) -> None:
    assert seen(to_html(as_typed(text))).text == text.replace("\r", "\n") or "\r" in text


@given(MARKUP)
def test_html_is_read_or_refused_and_never_anything_else(source: str) -> None:
    with suppress(TelegramRefusedError):
        check_shown(read(source, parse_mode="HTML", entities=None))


def check_shown(message: Formatted) -> None:
    assert all(0 <= entity.offset < entity.end <= units(message.text) for entity in message.entities)
    assert seen(to_html(message)).text == message.text


@given(TEXTS)
def test_plain_text_loses_only_the_space_around_it(text: str) -> None:
    expected = "".join(
        " " if sign < " " and sign != "\n" else sign for sign in text.replace("\r", "")
    ).strip()

    assert read(text, parse_mode="", entities=None).text == expected
