"""Text as Telegram keeps it: plain text and entities counted in UTF-16 units, read from HTML or from a list."""

import html
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from bots.simulator.telegram.limits import bad_request

TAGS: Final = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "code": "code",
    "pre": "pre",
    "a": "text_link",
    "blockquote": "blockquote",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
}

# What the page may show of an entity; the rest is shown as plain text.
SAFE_TAGS: Final = {
    "bold": "b",
    "italic": "i",
    "underline": "u",
    "strikethrough": "s",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "spoiler": "mark",
}

ENTITIES_MAX: Final = 100

_ADDRESS: Final = re.compile(r"https?://[^\s<>\"«»]*[^\s<>\"«».,;:!?)]")
_COMMAND: Final = re.compile(r"/[A-Za-z0-9_]{1,32}(?:@[A-Za-z0-9_]{1,32})?(?!\S)")
_SAFE_ADDRESS: Final = re.compile(r"(?:https?|tel|mailto|tg):", re.IGNORECASE)
_CHARACTER: Final = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")


@dataclass(frozen=True, slots=True)
class Entity:
    """A stretch of the text with a meaning; *offset* and *length* count UTF-16 units."""

    type: str
    offset: int
    length: int
    url: str | None = None

    @property
    def end(self) -> int:
        return self.offset + self.length

    def to_json(self) -> dict[str, object]:
        url = {} if self.url is None else {"url": self.url}
        return {"offset": self.offset, "length": self.length, "type": self.type} | url


@dataclass(frozen=True, slots=True)
class Formatted:
    """What a reader sees, and which parts of it are bold, monospaced or links."""

    text: str
    entities: tuple[Entity, ...] = ()


def units(text: str) -> int:
    """The length of *text* as Telegram's entities count it."""
    return len(text) + sum(character > "\uffff" for character in text)


def read(text: str, *, parse_mode: str, entities: object) -> Formatted:
    """*text* as the bot meant it: by its markup, by its list of entities, or plain."""
    cleaned = _cleaned(text)
    match parse_mode.lower():
        case "":
            marked = Formatted(cleaned, _listed(cleaned, entities))
        case "html":
            marked = _HtmlReader(cleaned).read()
        case _:
            # MarkdownV2 exists at Telegram; this bot never writes it, so a use of it is a mistake.
            raise bad_request("unsupported parse_mode")
    return _with_addresses(_trimmed(marked))


def as_typed(text: str) -> Formatted:
    """What a person typed: a command at its start and web addresses are marked, as Telegram marks them."""
    command = _COMMAND.match(text)
    entities = (Entity("bot_command", 0, units(command.group())),) if command else ()
    return _with_addresses(Formatted(text, entities))


def _cleaned(text: str) -> str:
    """Control characters become spaces, as Telegram makes them."""
    return "".join(
        " " if character < " " and character != "\n" else character for character in text.replace("\r", "")
    )


def _listed(text: str, entities: object) -> tuple[Entity, ...]:
    if entities is None:
        return ()
    if not isinstance(entities, Sequence) or isinstance(entities, str):
        raise bad_request("can't parse entities: expected an Array of MessageEntity")
    return tuple(_listed_one(units(text), entity) for entity in entities[:ENTITIES_MAX])


def _listed_one(end: int, entity: object) -> Entity:
    if not isinstance(entity, Mapping):
        raise bad_request("can't parse entities: expected an Object")
    kind, offset, length = entity.get("type"), entity.get("offset"), entity.get("length")
    if not isinstance(kind, str) or not isinstance(offset, int) or not isinstance(length, int):
        raise bad_request("can't parse entities: Can't find field \"offset\"")
    if offset < 0 or length <= 0 or offset + length > end:
        raise bad_request(
            f"entity beginning at UTF-16 offset {offset} ends after the end of the text "
            f"at UTF-16 offset {offset + length}",
        )
    url = entity.get("url")
    return Entity(kind, offset, length, url if isinstance(url, str) else None)


def _trimmed(marked: Formatted) -> Formatted:
    """Without white space at either end; entities follow."""
    cut = units(marked.text) - units(marked.text.lstrip())
    text = marked.text.strip()
    end = units(text)
    moved = (
        replace(entity, offset=start, length=min(entity.end - cut, end) - start)
        for entity in marked.entities
        for start in [max(0, entity.offset - cut)]
    )
    return Formatted(text, tuple(entity for entity in moved if entity.length > 0))


def _with_addresses(marked: Formatted) -> Formatted:
    """Bare web addresses are links in every client."""
    taken = [entity for entity in marked.entities if entity.type in {"code", "pre", "text_link"}]
    found = [
        Entity("url", units(marked.text[: match.start()]), units(match.group()))
        for match in _ADDRESS.finditer(marked.text)
    ]
    free = [new for new in found if not any(old.offset < new.end and new.offset < old.end for old in taken)]
    entities = sorted((*marked.entities, *free), key=lambda entity: (entity.offset, -entity.length))
    return Formatted(marked.text, tuple(entities[:ENTITIES_MAX]))


@dataclass(frozen=True, slots=True)
class _OpenTag:
    name: str
    offset: int
    attributes: Mapping[str, str]


class _HtmlReader:
    """Reads Telegram's small HTML and words its mistakes as Telegram does, with offsets in UTF-8 bytes."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._text: list[str] = []
        self._length = 0
        self._open: list[_OpenTag] = []
        self._entities: list[Entity] = []

    def read(self) -> Formatted:
        while self._at < len(self._source):
            if self._source.startswith("</", self._at):
                self._end_tag()
            elif self._source[self._at] == "<":
                self._start_tag()
            else:
                self._characters()
        if self._open:
            raise _unparsable(f'Can\'t find end tag corresponding to start tag "{self._open[-1].name}"')
        entities = sorted(self._entities, key=lambda entity: (entity.offset, -entity.length))
        return Formatted("".join(self._text), tuple(entities[:ENTITIES_MAX]))

    def _characters(self) -> None:
        character = _CHARACTER.match(self._source, self._at)
        step = character.end() - self._at if character else 1
        decoded = html.unescape(self._source[self._at : self._at + step])
        self._text.append(decoded)
        self._length += units(decoded)
        self._at += step

    def _start_tag(self) -> None:
        begin = self._at
        name_end = self._until(lambda character: character.isspace() or character == ">", begin, "start tag")
        name = self._source[begin + 1 : name_end].lower()
        if name not in TAGS:
            raise _unparsable(f'Unsupported start tag "{name}" at byte offset {self._bytes(begin)}')
        self._at = name_end
        attributes: dict[str, str] = {}
        while not self._past_spaces(begin).startswith(">"):
            key, value = self._attribute(name, begin)
            attributes[key] = value
        self._at += 1
        if name == "span" and attributes.get("class") != "tg-spoiler":
            raise _unparsable(f'Tag "span" must have class "tg-spoiler" at byte offset {self._bytes(begin)}')
        self._open.append(_OpenTag(name, self._length, attributes))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name_end = self._until(lambda character: character.isspace() or character in "=>", begin, "start tag")
        name = self._source[self._at : name_end].lower()
        if not name:
            raise _unparsable(f'Empty attribute name in the tag "{tag}" at byte offset {self._bytes(begin)}')
        self._at = name_end
        if not self._past_spaces(begin).startswith("="):
            return name, ""
        self._at += 1
        quote = self._past_spaces(begin)
        if quote in {'"', "'"}:
            self._at += 1
            end = self._until(lambda character: character == quote, begin, "start tag")
            after = end + 1
        else:
            after = end = self._until(
                lambda character: character.isspace() or character == ">", begin, "start tag"
            )
        value = html.unescape(self._source[self._at : end])
        self._at = after
        return name, value

    def _end_tag(self) -> None:
        begin = self._at
        if not self._open:
            raise _unparsable(f"Unexpected end tag at byte offset {self._bytes(begin)}")
        end = self._until(lambda character: character == ">", begin, "end tag")
        name = self._source[begin + 2 : end].strip().lower()
        tag = self._open.pop()
        if name and name != tag.name:
            raise _unparsable(
                f"Unmatched end tag at byte offset {self._bytes(begin)}, "
                f'expected "</{tag.name}>", found "</{name}>"',
            )
        self._at = end + 1
        self._close(tag)

    def _close(self, tag: _OpenTag) -> None:
        length = self._length - tag.offset
        kind = TAGS[tag.name]
        url = tag.attributes.get("href") if kind == "text_link" else None
        if length and kind != "custom_emoji" and (kind != "text_link" or _SAFE_ADDRESS.match(url or "")):
            self._entities.append(Entity(kind, tag.offset, length, url))

    def _until(self, stops: Callable[[str], bool], begin: int, what: str) -> int:
        for place in range(self._at, len(self._source)):
            if stops(self._source[place]):
                return place
        raise _unparsable(f"Unclosed {what} at byte offset {self._bytes(begin)}")

    def _past_spaces(self, begin: int) -> str:
        """Step over white space; the character that comes next."""
        self._at = self._until(lambda character: not character.isspace(), begin, "start tag")
        return self._source[self._at]

    def _bytes(self, place: int) -> int:
        return len(self._source[:place].encode())


def _unparsable(what: str) -> Exception:
    return bad_request(f"can't parse entities: {what}")


def to_html(marked: Formatted) -> str:
    """*marked* as HTML that is safe to show: every character escaped, known tags only, web addresses only."""
    edges = sorted({0, units(marked.text), *(edge for e in marked.entities for edge in (e.offset, e.end))})
    wide = marked.text.encode("utf-16-le")
    parts: list[str] = []
    open_now: list[Entity] = []
    for start, end in pairwise(edges):
        covering = [entity for entity in marked.entities if entity.offset <= start and end <= entity.end]
        kept = _shared(open_now, covering)
        parts += [f"</{_tag(entity)[0]}>" for entity in reversed(open_now[kept:])]
        piece = wide[2 * start : 2 * end].decode("utf-16-le", errors="replace")
        parts += [f"<{_tag(entity, piece)[1]}>" for entity in covering[kept:]]
        parts.append(html.escape(piece))
        open_now = covering
    parts += [f"</{_tag(entity)[0]}>" for entity in reversed(open_now)]
    return "".join(parts)


def _shared(before: Sequence[Entity], now: Sequence[Entity]) -> int:
    """How many of the tags opened first may stay open."""
    for place, (old, new) in enumerate(zip(before, now, strict=False)):
        if old is not new:
            return place
    return min(len(before), len(now))


def _tag(entity: Entity, piece: str = "") -> tuple[str, str]:
    """The name of the tag that shows *entity*, and how it opens."""
    address = piece if entity.type == "url" else entity.url or ""
    if entity.type in {"url", "text_link"}:
        safe = html.escape(address if _SAFE_ADDRESS.match(address) else "#")
        return "a", f'a href="{safe}" target="_blank" rel="noopener noreferrer"'
    name = SAFE_TAGS.get(entity.type, "span")
    return name, name
