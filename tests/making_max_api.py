"""An API of MAX's that answers as it is told, for the tests of the adapter's calls."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.max import MaxSettings
from core.channel import RenderedFile, Sending
from core.messages import Message, Span
from tests.making_max import SECRET, TOKEN, a_body

CHAT = "57120448"
MID = "mid.000000000adbe12601a0cd475ddc169d"
DIALOG = 182182182
SENT = json.dumps(a_body("out_message_text.response"))
HTML = "<html><h1>502 Bad Gateway</h1></html>"
A_SENDING = Sending(CHAT, 17, Message((Span("Принято"),)))
AN_EDIT = Sending(CHAT, 17, Message((Span("Принято"),), replaces=MID))
BILL = RenderedFile("Квитанция.pdf", "application/pdf", b"%PDF-1.7", "sha-of-bill")
QR = RenderedFile("qr.png", "image/png", b"\x89PNG\r\n\x1a\n", "sha-of-qr")


@dataclass
class Api:
    """A server that answers as it is told and remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if request.content_type == "application/json" and raw else raw
        assert (request.headers.get("Authorization") == TOKEN) == request.path.startswith("/max/")
        assert TOKEN not in str(request.url)
        self.asked.append((request.method, request.path, dict(request.query), body))
        status, text = self.answers.pop(0)
        if not status and request.transport:
            request.transport.abort()
        headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else {}
        return web.Response(status=status or 200, text=text, content_type="text/html", headers=headers)

    def will(self, *answers: str, status: int = 200) -> None:
        self.answers, self.asked = [(status, answer) for answer in answers], []

    def will_fail(self, name: str, *after: str) -> None:
        """Answer with the error of a sample, then with *after*."""
        self.will(*after)
        self.answers.insert(0, (int(name.split("_")[1]), json.dumps(a_body(name))))


def settings(**changed: Any) -> MaxSettings:
    return MaxSettings(**{"token": TOKEN, "secret": SECRET, **changed})
