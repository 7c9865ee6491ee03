"""Files that a bot puts on the upload servers of MAX and Odnoklassniki, one house's, and pictures that they serve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from aiohttp import BodyPartReader, web

from bots.simulator.residents import Picture

# How pictures begin that these platforms take.
SIGNATURES: Final = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


async def uploaded(request: web.Request, *, part: str, picture: bool, bytes_max: int) -> Picture:
    """The file in the *part* of a form; refused in plain HTTP, and where it is to be a *picture* and is none."""
    if request.content_type != "multipart/form-data":
        raise web.HTTPBadRequest
    found = await (await request.multipart()).next()
    if not isinstance(found, BodyPartReader) or found.name != part or not found.filename:
        raise web.HTTPBadRequest
    kind = found.headers.get("Content-Type", "application/octet-stream")
    content = bytes(await found.read(decode=True))
    if len(content) > bytes_max:
        raise web.HTTPRequestEntityTooLarge(bytes_max, len(content))
    if not content or (picture and not content.startswith(SIGNATURES.get(kind, b"\0"))):
        raise web.HTTPBadRequest
    return Picture(found.filename, kind, content)


def is_picture(content: bytes) -> bool:
    """Whether a phone would send *content* as a picture."""
    return content.startswith(tuple(SIGNATURES.values()))


def served(files: Mapping[str, Picture], name: str) -> web.Response:
    """The picture that residents sent as *name*."""
    picture = files.get(name)
    if picture is None or not picture.type.startswith("image/"):
        raise web.HTTPNotFound
    return web.Response(body=picture.content, content_type=picture.type)
