"""What was queued for a channel that may no longer carry it: left out, with the way to it in its place.

What was asked for leads to a page of its own, made as the message leaves, so that its ten minutes begin then.
Of what nobody asked for, only that there is news; its button asks for the whole by the event's number.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

from core.channel import Capabilities
from core.fitting import led_by
from core.messages import Key, Message, MessageClass, text
from core.privacy import Ceiling, still_permitted
from core.showing import shown_message
from core.wording import Words
from storage import conversations, residents, shown_pages
from storage.database import Pool
from storage.lanes import Leased
from storage.shown_pages import Issued


class Withholding:
    """Holds queued messages to what a channel may carry by now. *within* are the limits of its messages."""

    def __init__(
        self,
        pool: Pool,
        *,
        within: Capabilities,
        zone: ZoneInfo,
        public_url: str,
        now: Callable[[], datetime],
    ) -> None:
        """*public_url* is where the centre's own pages are; *now* is the business clock."""
        self._pool = pool
        self._within = within
        self._zone = zone
        self._public_url = public_url.rstrip("/")
        self._now = now

    async def permitted(self, head: Leased, message: Message, ceiling: Ceiling) -> Message:
        """*message* of *head* as it may be sent under *ceiling*."""
        words = Words.of(message.language, self._zone)
        show = words.plain(text("privacy-show-button"))
        if ceiling.carries(message.data_class):
            return still_permitted(message, ceiling, words)
        if head.event is not None:
            news = still_permitted(message, ceiling, words, instead=(text("privacy-news"),))
            return led_by(news, Key(show, "press", f"show:{head.event}"), words, self._within)
        page = await self._page(head, message) if head.message_class is MessageClass.REPLY else None
        if page is None:
            return still_permitted(message, ceiling, words)
        how = (text("privacy-not-here"), text("privacy-shown-once"))
        neutral = still_permitted(message, ceiling, words, instead=how)
        return led_by(neutral, Key(show, "link", f"{self._public_url}/s/{page}"), words, self._within)

    async def _page(self, head: Leased, message: Message) -> str | None:
        """The token of a page that shows *message* to the resident whom its chat has now; None in a group."""
        async with self._pool.acquire() as db:
            chat = (await conversations.conversations_of(db, [head.chat]))[head.chat]
            if not chat.private:
                return None
            resident = (await residents.residents_of(db, [head.chat]))[head.chat]
            page = Issued.to(resident, chat=head.chat, shown=shown_message(message))
            await shown_pages.add(db, [page], now=self._now())
        return page.token
