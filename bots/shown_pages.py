"""The page behind a one-time link: the very reply that a chat may not carry.

Opening the link shows only «Показать», for messengers' robots open links too. The press spends it; the browser
that pressed may look again until the page is over, and it alone is given the reply's documents. Whatever may
not be seen, or no longer, is one answer.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from datetime import datetime
from html import escape
from typing import Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from bots.delivery import Render
from bots.pages import HEADERS, PAGE, unless_away
from bots.pages import STYLE as PAY_PAGE_STYLE
from bots.rendering import NoSuchDocumentError
from core.channel import RenderedFile
from core.messages import BillDocument, Document, PaymentQr, Phrase, Span, UsageChart, text
from core.showing import Part, Shown
from core.turns import Centre
from core.wording import LANGUAGES, Words
from storage import shown_pages
from storage.database import Pool
from storage.shown_pages import Page

COOKIE: Final = "kvitok_shown"

STYLE: Final = f"""{PAY_PAGE_STYLE}
table {{ width: 100%; border-collapse: collapse; margin: .5rem 0 }}
td {{ padding: .35rem 0; border-bottom: 1px solid var(--ground); vertical-align: top }}
td + td {{ padding-left: .75rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums }}
code {{ font: inherit; font-variant-numeric: tabular-nums }}
p {{ overflow-wrap: anywhere; white-space: pre-line }}
img {{ display: block; width: 100%; margin-top: 1rem; border-radius: .75rem; background: #fff }}
"""

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

SHOWN_HEADERS: Final = HEADERS | {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; img-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    )
}


def shown_routes(
    pool: Pool, *, centre: Centre, clock: Callable[[], datetime], public_url: str, render: Render
) -> list[web.RouteDef]:
    """The routes of the page, which is at *public_url* for the world, and of its documents.

    *clock* is the business clock; *render* makes a document's file.
    Their addresses hold tokens: whatever logs requests must leave the path out.
    """
    pages = _ShownPages(pool, centre, clock, public_url, render)
    return [
        web.get("/s/{token}", unless_away(pages.look, centre)),
        web.post("/s/{token}", unless_away(pages.press, centre)),
        web.get("/s/{token}/{place}", unless_away(pages.fetch, centre), allow_head=False),
    ]


class _ShownPages:
    def __init__(
        self, pool: Pool, centre: Centre, clock: Callable[[], datetime], public_url: str, render: Render
    ) -> None:
        self.pool = pool
        self.centre = centre
        self.clock = clock
        self.base = urlsplit(public_url)
        self.render = render

    # --- What is asked -----------------------------------------------------------------------------

    async def look(self, request: web.Request) -> web.Response:
        page = await self._find(request)
        if page is None:
            return self._gone()
        token = request.match_info["token"]
        return self._reply(page.shown, token) if page.seen else self._covered(page.shown)

    async def press(self, request: web.Request) -> web.Response:
        page = await self._find(request)
        if page is None:
            return self._gone()
        token = request.match_info["token"]
        # Back to the same address, so that looking again sends no form again.
        response = web.Response(status=303, headers=SHOWN_HEADERS | {"Location": token})
        if not page.seen:
            async with self.pool.acquire() as db:
                cookie = await shown_pages.spend(db, token, now=self.clock())
            if cookie is None:
                return self._gone()
            self._set_cookie(response, cookie, page, token)
        return response

    async def fetch(self, request: web.Request) -> web.Response:
        """A document of the reply, by its place in it, for the browser that the reply was shown to."""
        page = await self._find(request)
        if page is None or not page.seen:
            return self._gone()
        placed = {str(place): document for place, document in enumerate(page.shown.documents, start=1)}
        document = placed.get(request.match_info["place"])
        if document is None:
            return self._gone()
        async with self.pool.acquire() as db:
            if not await shown_pages.count_fetch(db, request.match_info["token"]):
                return self._gone()
        try:
            file = await self.render(document, page.shown.language)
        except NoSuchDocumentError:
            return self._gone()
        return _given(file)

    async def _find(self, request: web.Request) -> Page | None:
        async with self.pool.acquire() as db:
            return await shown_pages.find(
                db, request.match_info["token"], cookie=request.cookies.get(COOKIE), now=self.clock()
            )

    def _set_cookie(self, response: web.Response, cookie: str, page: Page, token: str) -> None:
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=int((page.expires_at - self.clock()).total_seconds()),
            path=f"{self.base.path}/s/{token}",
            secure=self.base.scheme == "https",
            httponly=True,
            # Not «strict»: the link is opened again from a messenger's page as well.
            samesite="Lax",
        )

    # --- What is answered --------------------------------------------------------------------------

    def _covered(self, shown: Shown) -> web.Response:
        words = self._words(shown.language)
        show = _worded(words, text("privacy-show-button"))
        body = [
            f"<h1>{_worded(words, text('shown-page-title'))}</h1>",
            f"<p>{_worded(words, text('shown-page-hint'))}</p>",
            f'<form method="post"><button>{show}</button></form>',
        ]
        return self._render(words, text("shown-page-title"), body)

    def _reply(self, shown: Shown, token: str) -> web.Response:
        words = self._words(shown.language)
        body = [_part(part) for part in shown.parts]
        # Relative to where the page is: what stands before us may put us anywhere.
        body += [
            _document(document, f"{token}/{place}", words)
            for place, document in enumerate(shown.documents, start=1)
        ]
        body += [
            f'<a class="button" rel="noreferrer" href="{escape(link.data)}">{escape(link.label)}</a>'
            for link in shown.links
        ]
        if shown.goes_on:
            body.append(f'<p class="soft">{_worded(words, text("shown-page-goes-on"))}</p>')
        return self._render(words, text("shown-page-title"), body)

    def _gone(self) -> web.Response:
        words = self._words(LANGUAGES[0])
        body = [
            f"<h1>{_worded(words, text('shown-page-gone'))}</h1>",
            f'<p class="soft">{_worded(words, text("shown-page-gone-hint"))}</p>',
        ]
        return self._render(words, text("shown-page-gone"), body, status=404)

    def _words(self, language: str) -> Words:
        return Words.of(language, self.centre.zone)

    def _render(self, words: Words, title: Phrase, body: list[str], *, status: int = 200) -> web.Response:
        page = PAGE.substitute(
            language=words.language,
            refresh="",
            title=_worded(words, title),
            style=STYLE,
            centre=escape(self.centre.name),
            body="\n".join(body),
        )
        return web.Response(text=page, content_type="text/html", status=status, headers=SHOWN_HEADERS)


def _given(file: RenderedFile) -> web.Response:
    kind = "inline" if file.media_type.startswith("image/") else "attachment"
    disposition = f"{kind}; filename*=UTF-8''{quote(file.name, safe='')}"
    headers = SHOWN_HEADERS | {"Content-Disposition": disposition}
    return web.Response(body=file.body, content_type=file.media_type, headers=headers)


def _document(document: Document, address: str, words: Words) -> str:
    """A picture where the document is one, else the button that downloads it."""
    match document:
        case BillDocument(period=period):
            label = _worded(words, text("shown-page-bill", period=period))
            return f'<a class="button" href="{escape(address)}" download>{label}</a>'
        case PaymentQr(due=due):
            told = text("shown-page-qr", amount=due)
        case UsageChart(until=until):
            told = text("shown-page-charts", period=until)
    return f'<img src="{escape(address)}" alt="{_worded(words, told)}">'


def _part(part: Part) -> str:
    if part.rows:
        rows = "".join(f"<tr><td>{escape(label)}<td>{escape(value)}" for label, value in part.rows)
        return f"<table>{rows}</table>"
    return f"<p>{''.join(map(_span, part.spans))}</p>"


def _span(span: Span) -> str:
    tag = {"b": "b", "c": "code"}.get(span.style)
    return f"<{tag}>{escape(span.text)}</{tag}>" if tag else escape(span.text)


def _worded(words: Words, phrase: Phrase) -> str:
    return escape(words.plain(phrase))
