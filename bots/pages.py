"""The centre's own pages behind its short links: a payment's sum and choice, and what became of it.

A page loads nothing from anywhere, may not be framed, is kept by nobody and tells nobody where it was. An
unknown token gets what any unknown address gets. Opening a link does nothing, for robots open links too.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from html import escape
from string import Template
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

import structlog
from aiohttp import web

from bots.paying import Changed, Choice, GoTo, NeedsContact, NotTaken, PayDesk, Unavailable, View
from bots.webhooks import Networks, client_address, read_body
from core.acquiring import (
    OPEN,
    POSTED,
    Acquirer,
    AlreadyPaid,
    Expired,
    Notice,
    Outlived,
    Payable,
    UnderCheck,
    payable,
)
from core.errors import ForgedWebhookError
from core.fiscal import Contact, ReceiptNeed, read_contact
from core.messages import Phrase, text
from core.money import Money
from core.privacy import masked_number
from core.turns import Centre
from core.wording import LANGUAGES, Words, money
from storage.failures import AWAY, PASSING

log: Final = structlog.get_logger(__name__)

# A payer who came back looks for news so often while the acquirer has none.
REFRESH_S: Final = 4

STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5c6570; --paper: #fff; --ground: #eef1f4; --go: #0b6e4f }
@media (prefers-color-scheme: dark) {
  :root { --ink: #eceff2; --soft: #a3adb8; --paper: #1d2227; --ground: #12161a; --go: #1f9a72 }
}
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--ink); font: 18px/1.5 system-ui, sans-serif }
main { max-width: 30rem; margin: 0 auto; min-height: 100vh; padding: 1.25rem 1rem 2rem }
header { color: var(--soft); font-size: 1rem; padding-bottom: .75rem }
section { background: var(--paper); border-radius: 1rem; padding: 1.25rem }
h1 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .5rem }
p { margin: .5rem 0 }
.sum { font-size: 2.2rem; font-weight: 700; margin: .25rem 0; white-space: nowrap }
.soft { color: var(--soft); font-size: 1rem }
form { margin: 1rem 0 0 }
button, .button { display: block; width: 100%; min-height: 3.5rem; padding: .75rem 1rem; border: 0;
  border-radius: .9rem; background: var(--go); color: #fff; font: inherit; font-weight: 600;
  text-align: center; text-decoration: none; cursor: pointer }
.button, button + button { margin-top: 1rem }
label { display: block; margin: .75rem 0 0; font-size: 1rem }
input[type=text] { display: block; width: 100%; min-height: 3.25rem; margin-top: .25rem; padding: .5rem .75rem;
  border: 1px solid var(--soft); border-radius: .75rem; background: var(--ground); color: inherit; font: inherit }
.keep { display: flex; gap: .6rem; align-items: flex-start; margin: .75rem 0 1rem }
.keep input { flex: none; width: 1.4rem; height: 1.4rem; margin: .1rem 0 0 }
:focus-visible { outline: 3px solid #f0a500; outline-offset: 2px }
"""

_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()

# Referrer to ourselves only: without any, browsers say `Origin: null` of our own forms, as of any stranger's.
# No `form-action`: browsers hold a form's redirect to it too, and where an acquirer's own pages lead is its affair.
HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}

PAGE: Final = Template("""<!doctype html>
<html lang="$language">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
$refresh<title>$title</title>
<style>$style</style>
<main>
<header>$centre</header>
<section>
$body
</section>
</main>
</html>
""")


Handle: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page says, before it is put into words.

    *choices*: the acquirers to pay *amount* by; *kept*: where receipts are sent to so far.
    """

    heading: Phrase
    before: tuple[Phrase, ...] = ()
    amount: Money | None = None
    account: str = ""
    hints: tuple[Phrase, ...] = ()
    choices: tuple[Acquirer, ...] = ()
    kept: Contact | None = None
    again: bool = False
    refreshes: bool = False
    status: int = 200


def pay_routes(desk: PayDesk, *, trusted_proxies: Networks = ()) -> list[web.RouteDef]:
    """The routes of the pay page and of acquirers' notices.

    Their addresses hold tokens: whatever logs requests must leave the path out. *trusted_proxies* are the
    networks whose word about a sender's address is believed.
    """
    pages = _PayPages(desk, trusted_proxies)
    return [
        web.get("/p/{token}", unless_away(pages.show, desk.centre)),
        web.post("/p/{token}", unless_away(pages.pay, desk.centre)),
        web.get("/p/{token}/done", unless_away(pages.done, desk.centre)),
        web.get("/acquirers/{name}/notice", unless_away(pages.notice, desk.centre)),
        web.post("/acquirers/{name}/notice", unless_away(pages.notice, desk.centre)),
    ]


def unless_away(handle: Handle, centre: Centre) -> Handle:
    """What *handle* answers, or a page that asks for patience where the database is away or somebody is in the way."""

    async def answer(request: web.Request) -> web.Response:
        try:
            return await handle(request)
        except (*AWAY, *PASSING) as away:
            log.warning("page.postponed", why=type(away).__name__)
            sheet = Sheet(text("page-away"), hints=(text("page-away-hint"),), again=True, status=503)
            return _render(sheet, Words(LANGUAGES[0], centre.zone), centre)

    return answer


class _PayPages:
    def __init__(self, desk: PayDesk, trusted_proxies: Networks) -> None:
        self.desk = desk
        self.trusted_proxies = trusted_proxies

    # --- What is asked -----------------------------------------------------------------------------

    async def show(self, request: web.Request) -> web.Response:
        view = await self.desk.view(request.match_info["token"])
        return self._missing() if view is None else self._answer(view, self._standing(view))

    async def pay(self, request: web.Request) -> web.Response:
        view = await self.desk.view(token := request.match_info["token"])
        if view is None:
            return self._missing()
        form = _fields(await read_body(request))
        acquirer = self.desk.acquirers.get(form.get("acquirer", ""))
        if acquirer is None:
            return self._missing()
        typed = form.get("contact", "").strip()
        contact = read_contact(typed, acquirer.receipt) if typed else None
        if typed and contact is None and acquirer.receipt is not ReceiptNeed.NONE:
            return self._answer(view, self._asking(view, acquirer.receipt))
        choice = Choice(acquirer, _kopecks(form.get("kopecks", "")), contact, keep=form.get("keep") == "yes")
        match await self.desk.pay(view, choice):
            case GoTo(url):
                return web.Response(status=303, headers={**HEADERS, "Location": url})
            case Unavailable():
                return self._answer(view, _down(view), token)
            case NotTaken():
                refused = Sheet(text("pay-page-refused"), hints=(text("pay-page-refused-hint"),), again=True)
                return self._answer(view, refused, token)
            case NeedsContact(need):
                return self._answer(view, self._asking(view, need))
            case Changed():
                return web.Response(status=303, headers={**HEADERS, "Location": f"{token}/done"})

    async def done(self, request: web.Request) -> web.Response:
        """Where the acquirer sends the payer back to, whatever came of it: only asking tells."""
        view = await self.desk.view(token := request.match_info["token"])
        if view is not None and view.waits:
            await self.desk.refresh(view.link)
            view = await self.desk.view(token)
        if view is None:
            return self._missing()
        # Addresses are relative to where the page is: what stands before us may put us anywhere.
        return self._answer(view, self._came_back(view), f"../{token}")

    async def notice(self, request: web.Request) -> web.Response:
        """An acquirer says that something happened: 200 once it need not say so again."""
        acquirer = self.desk.acquirers.get(request.match_info["name"])
        if acquirer is None:
            return self._missing()
        notice = Notice(
            headers={name.lower(): value for name, value in request.headers.items()},
            query=dict(request.query),
            body=await read_body(request),
            remote=client_address(request, trusted=self.trusted_proxies),
        )
        try:
            settled = await self.desk.believe(acquirer, notice)
        except ForgedWebhookError:
            log.warning("notice.forged", acquirer=acquirer.name)
            return web.Response(status=403)
        return web.Response(status=200 if settled else 503)

    # --- What is answered --------------------------------------------------------------------------

    def _standing(self, view: View) -> Sheet:
        match view.standing:
            case Payable(amount):
                return self._offer(view, text("pay-page-title"), amount, ())
            case AlreadyPaid(then):
                return self._offer(view, text("pay-page-paid"), then, (text("pay-page-paid-hint"),))
            case Outlived(then):
                return self._offer(view, text("pay-page-paid"), then, (text("pay-page-outlived-hint"),))
            case Expired():
                return Sheet(text("pay-page-expired"), hints=(text("pay-page-expired-hint"),), status=410)
            case UnderCheck():
                return Sheet(text("pay-page-checked"), hints=(text("pay-page-checked-hint"),))

    def _offer(self, view: View, heading: Phrase, amount: Money | None, before: Sequence[Phrase]) -> Sheet:
        """A sum to pay, or none, after what is to be said *before* it."""
        if amount is None:
            return Sheet(heading, before=tuple(before))
        return Sheet(
            heading,
            before=tuple(before),
            amount=amount,
            account=masked_number(view.link.number),
            hints=(text("pay-page-hint"), text("pay-page-expires", at=view.link.expires_at)),
            choices=tuple(self.desk.acquirers.values()),
            kept=view.contact,
        )

    def _asking(self, view: View, need: ReceiptNeed) -> Sheet:
        """The same offer once more, for the acquirer has to know where the receipt goes."""
        key = "pay-page-contact-needed-hint"
        hint = text("pay-page-contact-needed-email-hint" if need is ReceiptNeed.EMAIL else key)
        if (amount := payable(view.standing)) is None:
            return self._standing(view)
        return self._offer(view, text("pay-page-contact-needed"), amount, (hint,))

    def _came_back(self, view: View) -> Sheet:
        last = view.link.attempts[-1] if view.link.attempts else None
        if last is None or isinstance(view.standing, UnderCheck):
            return self._standing(view)
        if last.state in POSTED:
            return Sheet(text("pay-page-done"), hints=(text("pay-page-done-hint"),))
        if last.state in OPEN:
            hints = (text("pay-page-waiting-hint"),)
            return Sheet(text("pay-page-waiting"), hints=hints, again=True, refreshes=True)
        if payable(view.standing) is None:
            return self._standing(view)
        return Sheet(text("pay-page-not-paid"), hints=(text("pay-page-not-paid-hint"),), again=True)

    def _missing(self) -> web.Response:
        sheet = Sheet(text("pay-page-missing"), hints=(text("pay-page-missing-hint"),), status=404)
        return _render(sheet, Words(LANGUAGES[0], self.desk.centre.zone), self.desk.centre)

    def _answer(self, view: View, sheet: Sheet, link: str = "") -> web.Response:
        return _render(sheet, Words(view.link.language, self.desk.centre.zone), self.desk.centre, link)


def _render(sheet: Sheet, words: Words, centre: Centre, link: str = "") -> web.Response:
    refresh = f'<meta http-equiv="refresh" content="{REFRESH_S}">\n' if sheet.refreshes else ""
    page = PAGE.substitute(
        language=words.language,
        refresh=refresh,
        title=escape(words.plain(sheet.heading)),
        style=STYLE,
        centre=escape(centre.name),
        body="\n".join(_body(sheet, words, link)),
    )
    return web.Response(text=page, content_type="text/html", status=sheet.status, headers=HEADERS)


def _down(view: View) -> Sheet:
    hint = text("pay-page-down-hint", at=view.link.expires_at)
    return Sheet(text("pay-page-down"), hints=(hint,), again=True, status=503)


def _fields(body: bytes) -> dict[str, str]:
    """What was filled in, of a form as browsers send ours; what is no such form has nothing filled in."""
    return dict(parse_qsl(body.decode(errors="replace")))


def _kopecks(typed: str) -> Money:
    """The sum on the pressed button; what is no sum is a sum that is never due."""
    return Money(int(typed)) if typed.isascii() and typed.isdigit() and len(typed) < 12 else Money(-1)


def _body(sheet: Sheet, words: Words, link: str) -> list[str]:
    """The parts of a page; *link* is where the link is from there ('' where the page is the link's own)."""
    parts = [f"<h1>{_worded(words, sheet.heading)}</h1>"]
    parts += [f"<p>{_worded(words, hint)}</p>" for hint in sheet.before]
    if sheet.amount is not None:
        account = _worded(words, text("pay-page-account", number=sheet.account))
        parts.append(f'<p class="soft">{account}</p>')
        parts.append(f"<p>{_worded(words, text('pay-page-sum'))}</p>")
        parts.append(f'<p class="sum">{escape(money(sheet.amount))}</p>')
        parts += _form(sheet, words, sheet.amount, link)
    parts += [f'<p class="soft">{_worded(words, hint)}</p>' for hint in sheet.hints]
    if sheet.again:
        label = _worded(words, text("pay-page-again"))
        parts.append(f'<p><a class="button" href="{escape(link)}">{label}</a></p>')
    return parts


def _form(sheet: Sheet, words: Words, amount: Money, link: str) -> list[str]:
    """The buttons to pay by, below the question where the receipt goes if any of them has to know."""
    action = f' action="{escape(link)}"' if link else ""
    hidden = f'<input type="hidden" name="kopecks" value="{amount.kopecks}">'
    buttons = [_button(sheet, words, acquirer, amount) for acquirer in sheet.choices]
    return [f'<form method="post"{action}>', hidden, *_contact(sheet, words), *buttons, "</form>"]


def _button(sheet: Sheet, words: Words, acquirer: Acquirer, amount: Money) -> str:
    if len(sheet.choices) == 1:
        label = text("pay-page-pay", amount=amount)
    else:
        label = text("pay-page-pay-by", amount=amount, acquirer=acquirer.title)
    return f'<button name="acquirer" value="{escape(acquirer.name)}">{_worded(words, label)}</button>'


def _contact(sheet: Sheet, words: Words) -> list[str]:
    """Where the receipt is sent, and whether that may be remembered."""
    needs = {acquirer.receipt for acquirer in sheet.choices} - {ReceiptNeed.NONE}
    if not needs:
        return []
    email = needs == {ReceiptNeed.EMAIL}
    label = _worded(words, text("pay-page-contact-email" if email else "pay-page-contact"))
    mode = ' inputmode="email" autocomplete="email"' if email else ' autocomplete="on"'
    box, keep = '<input type="checkbox" name="keep" value="yes">', text("pay-page-contact-keep")
    asked = [
        f'<label>{label}<input type="text" name="contact" maxlength="254"{mode}></label>',
        f'<label class="keep">{box}<span>{_worded(words, keep)}</span></label>',
    ]
    if sheet.kept is None:
        return asked
    kept = _worded(words, text("pay-page-contact-kept", contact=sheet.kept.masked))
    return [f'<p class="soft">{kept}</p>', *asked]


def _worded(words: Words, phrase: Phrase) -> str:
    return escape(words.plain(phrase))
