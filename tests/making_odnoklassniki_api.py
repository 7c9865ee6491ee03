"""An API of Odnoklassniki's that answers as it is told, for the tests of the adapter's calls."""

import json
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from adapters.odnoklassniki import OdnoklassnikiSettings
from core.channel import Sending
from core.messages import Message, Span
from tests.making_odnoklassniki import SECRET, TOKEN, a_body

CHAT = "chat:C5e1d0c0ffe00"
MID = "mid:C5e1d0c0ffe00.1a0cd475ddc169d"
SENT = json.dumps(a_body("out_message_text.response"))
HTML = "<html><h1>502 Bad Gateway</h1></html>"
A_SENDING = Sending(CHAT, 17, Message((Span("Принято"),)))


@dataclass
class Api:
    """A server that answers as it is told and remembers what it was asked."""

    answers: list[tuple[int, str]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, str], Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        raw = await request.read()
        body = json.loads(raw) if request.content_type == "application/json" else raw
        query = {name: value for name, value in request.query.items() if name != "access_token"}
        assert ("access_token" in request.query) == request.path.startswith("/graph/")
        self.asked.append((request.method, request.path, query, body))
        status, text = self.answers.pop(0)
        if not status and request.transport:
            request.transport.abort()
        headers = {"Location": "http://127.0.0.1:1/"} if status == 302 else self.headers
        return web.Response(status=status or 200, text=text, content_type="text/html", headers=headers)

    def will(self, *answers: str, status: int = 200) -> None:
        self.answers, self.asked = [(status, answer) for answer in answers], []

    def will_fail(self, name: str) -> None:
        self.will(json.dumps(a_body(name)))


def settings(**changed: Any) -> OdnoklassnikiSettings:
    return OdnoklassnikiSettings(**{"token": TOKEN, "secret": SECRET, **changed})
