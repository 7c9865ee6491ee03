"""The calls of Telegram's Bot API that we make: aiogram's, without the seconds that its import takes.

aiogram builds the validators of all its 444 models as it is imported, each with all that it refers to: 3 s and
100 MiB, of which a bot that sends texts uses a hundredth. Here `model_rebuild`, which it calls for that, does
nothing while aiogram is imported; afterwards the models are built that stand below.

So the rest of the adapter takes aiogram from here, and what else of it is to be used must be built here: pydantic
refuses a model that is not, by name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from pydantic import BaseModel


@contextmanager
def _nothing_built() -> Iterator[None]:
    """Within it, pydantic builds no model again."""
    build = BaseModel.__dict__["model_rebuild"]
    setattr(BaseModel, "model_rebuild", classmethod(lambda _, **__: None))  # noqa: B010 - to mypy a method is final
    try:
        yield
    finally:
        setattr(BaseModel, "model_rebuild", build)  # noqa: B010


with _nothing_built():
    from aiogram import Bot, types
    from aiogram import exceptions as refusals
    from aiogram import methods as api
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer
    from aiogram.utils.token import TokenValidationError

__all__ = [
    "AiohttpSession", "Bot", "EditMessageText", "SendMessage", "TelegramAPIServer", "TokenValidationError", "api",
    "refusals", "types",
]  # fmt: skip


# Their answers stay as they are: the model of a message is the largest of all and we want two ids of it, and one
# update that aiogram cannot read must not stop the rest.
UNREAD: Final[tuple[type[BaseModel], ...]] = (
    api.SendPhoto, api.SendDocument, api.GetUpdates,
)  # fmt: skip
# All that is sent, and what is answered to other calls; what a model refers to is built with it.
BUILT: Final[tuple[type[BaseModel], ...]] = (
    *UNREAD, api.AnswerCallbackQuery, api.GetFile, api.GetMe, api.GetWebhookInfo,
    api.SetWebhook, api.DeleteWebhook, api.SetMyCommands,
    types.BotCommand, types.User, types.WebhookInfo, types.File, types.ResponseParameters, api.Response,
)  # fmt: skip


class _Texting(api.TelegramMethod[Any]):
    """A call that carries words and keys as they are sent.

    aiogram's own models of both check, key by key, what we have just made: 75 µs a message, where this takes 12.
    """

    __returning__ = Any

    chat_id: int
    text: str
    parse_mode: str | None
    link_preview_options: dict[str, Any]
    reply_markup: dict[str, Any] | None


class SendMessage(_Texting):
    """https://core.telegram.org/bots/api#sendmessage."""

    __api_method__ = "sendMessage"


class EditMessageText(_Texting):
    """https://core.telegram.org/bots/api#editmessagetext."""

    __api_method__ = "editMessageText"

    message_id: int


for _call in UNREAD:
    setattr(_call, "__returning__", Any)  # noqa: B010 - mypy holds it to what aiogram says
for _model in BUILT:
    _model.model_rebuild(_types_namespace=vars(types))
