"""Styled text as messengers take it: as a little HTML, or plain with the addresses of its links."""

from collections.abc import Iterable
from html import escape

from core.messages import Span


def marked_up(spans: Iterable[Span]) -> str:
    """*spans* with the tags that Telegram and MAX share; https://core.telegram.org/bots/api#html-style."""
    return "".join(map(_html, spans))


def _html(span: Span) -> str:
    words = escape(span.text)
    match span.style:
        case "b":
            return f"<b>{words}</b>"
        case "c":
            return f"<code>{words}</code>"
        case "pre":
            return f"<pre>{words}</pre>"
        case "a":
            return f'<a href="{escape(span.url)}">{words}</a>'
        case _:
            return words


def addressed(spans: Iterable[Span]) -> str:
    """*spans* without styles: the address of a link stands behind its words."""
    return "".join(
        f"{span.text} {span.url}" if span.style == "a" and span.url != span.text else span.text
        for span in spans
    )
