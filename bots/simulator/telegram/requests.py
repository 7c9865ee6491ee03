"""A call of the Bot API as it arrives: urlencoded, multipart or JSON, its nested values as JSON text."""

import json
from dataclasses import dataclass, field

from aiohttp import BodyPartReader, web

from bots.simulator.telegram.limits import TelegramRefusedError, bad_request


@dataclass(frozen=True, slots=True)
class Upload:
    """A file part of a multipart body."""

    name: str
    content: bytes


@dataclass(slots=True)
class Call:
    """A method and its arguments; every argument may be written as text, as aiogram does, or as itself."""

    method: str
    fields: dict[str, object]
    uploads: dict[str, Upload] = field(default_factory=dict)

    def text(self, name: str) -> str:
        value = self.fields.get(name)
        if value is None:
            return ""
        if isinstance(value, str):
            return value
        if isinstance(value, int | float):
            return json.dumps(value)
        raise bad_request(f"can't parse {name}: expected a String")

    def whole(self, name: str) -> int | None:
        value = self.text(name)
        try:
            return int(value) if value else None
        except ValueError:
            return None

    def flag(self, name: str) -> bool:
        return self.text(name).lower() in {"true", "1", "yes"}

    def nested(self, name: str) -> object:
        """An object or array, whether the body held it as such or as JSON text."""
        value = self.fields.get(name)
        if not isinstance(value, str):
            return value
        if not value.strip():
            return None
        try:
            return json.loads(value)
        except ValueError as error:
            raise bad_request(f"can't parse {name} JSON object") from error


def too_large() -> TelegramRefusedError:
    return TelegramRefusedError(413, "Request Entity Too Large")


async def read_call(request: web.Request, method: str, *, bytes_max: int) -> Call:
    """The call that *request* makes; refused with 413 when its body exceeds *bytes_max*."""
    if (request.content_length or 0) > bytes_max:
        raise too_large()
    call = Call(method, dict(request.query))
    if not request.body_exists:
        return call
    match request.content_type:
        case "multipart/form-data":
            await _read_parts(request, call, bytes_max)
        case "application/x-www-form-urlencoded":
            call.fields.update({name: str(value) for name, value in (await request.post()).items()})
        case "application/json":
            call.fields.update(_json_object(await request.text()))
        case _:
            pass  # Telegram takes a body of another kind for an empty one.
    return call


def _json_object(body: str) -> dict[str, object]:
    try:
        fields = json.loads(body or "{}")
    except ValueError as error:
        raise bad_request("can't parse request body JSON object") from error
    if not isinstance(fields, dict):
        raise bad_request("can't parse request body JSON object: expected an Object")
    return {name: value for name, value in fields.items() if value is not None}


async def _read_parts(request: web.Request, call: Call, bytes_max: int) -> None:
    total = 0
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader) or part.name is None:
            continue
        content = bytes(await part.read(decode=True))
        total += len(content)
        if total > bytes_max:
            raise too_large()
        if part.filename is None:
            call.fields[part.name] = content.decode(errors="replace")
        else:
            call.uploads[part.name] = Upload(part.filename, content)
