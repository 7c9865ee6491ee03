"""The methods by which a community's owner sets up callback servers and Long Poll, and batches calls."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from bots.simulator.vk.events import CallbackServer, Events
from bots.simulator.vk.limits import EXECUTE_CALLS_MAX, JsonObject, VkCallRefusedError, bad_parameter
from bots.simulator.vk.methods import Call
from bots.simulator.vk.state import VkState

TITLE_CHARS_MAX: Final = 14
SECRET_CHARS_MAX: Final = 50
CREATOR: Final = 100_200_300

EVENT_KINDS: Final = frozenset(
    {"message_new", "message_reply", "message_edit", "message_event", "message_allow", "message_deny"}
    | {"message_typing_state", "message_read", "user_block", "user_unblock"}
)

_EXECUTED: Final = re.compile(r"API\.([a-z]+\.[A-Za-z]+)\(")

Method = Callable[[Call], Awaitable[object]]
Perform = Callable[[str, Call], Awaitable[object]]


class CommunityApi:
    """Calls by method name; refusals are `VkCallRefusedError`."""

    def __init__(self, state: VkState, events: Events, *, confirmation: str, perform: Perform) -> None:
        self._state = state
        self._events = events
        self._confirmation = confirmation
        self._perform = perform
        self.methods: Mapping[str, Method] = {
            "groups.getById": self._get_by_id,
            "groups.getCallbackConfirmationCode": self._get_code,
            "groups.addCallbackServer": self._add_server,
            "groups.editCallbackServer": self._edit_server,
            "groups.deleteCallbackServer": self._delete_server,
            "groups.getCallbackServers": self._get_servers,
            "groups.setCallbackSettings": self._set_server,
            "groups.setLongPollSettings": self._set_poll,
            "groups.getLongPollServer": self._get_poll,
            "execute": self._execute,
        }

    async def _get_by_id(self, _: Call) -> object:
        name = {"id": self._state.group, "name": self._state.title, "screen_name": "kvitok_demo"}
        return {"groups": [name | {"is_closed": 0, "type": "page"}], "profiles": []}

    async def _get_code(self, call: Call) -> object:
        self._own(call)
        return {"code": self._confirmation}

    async def _add_server(self, call: Call) -> object:
        self._own(call)
        url, title, secret = _server_fields(call)
        return {"server_id": await self._events.add_server(url, title, secret)}

    async def _edit_server(self, call: Call) -> object:
        server = self._server(call)
        server.url, server.title, server.secret = _server_fields(call)
        await self._events.confirm(server)
        return 1

    async def _delete_server(self, call: Call) -> object:
        del self._events.servers[self._server(call).id]
        return 1

    async def _get_servers(self, call: Call) -> object:
        self._own(call)
        items = [server.to_json(CREATOR) for server in self._events.servers.values()]
        return {"count": len(items), "items": items}

    async def _set_server(self, call: Call) -> object:
        server = self._server(call)
        server.version = call.text("api_version") or server.version
        _want(call, server.wanted)
        return 1

    async def _set_poll(self, call: Call) -> object:
        self._own(call)
        if call.whole("enabled") == 0:
            self._events.poll_wanted.clear()
            return 1
        _want(call, self._events.poll_wanted)
        return 1

    async def _get_poll(self, call: Call) -> object:
        self._own(call)
        if not self._events.poll_wanted:
            raise bad_parameter("longpoll for this group is not enabled")
        address = f"{call.origin}/vk/whp/{self._state.group}"
        return {"key": self._events.poll_key, "server": address, "ts": str(self._events.ts)}

    async def _execute(self, call: Call) -> object:
        """Calls in one: `return [API.a.b({…}),API.c.d({…})];`; one that is refused gives false in its place."""
        found = _calls_in(call.text("code"))
        if not 0 < len(found) <= EXECUTE_CALLS_MAX:
            raise VkCallRefusedError(13, "too many API calls or none" if found else "unknown code")
        results: list[object] = []
        for method, fields in found:
            try:
                results.append(await self._perform(method, Call(fields, call.origin)))
            except VkCallRefusedError:
                results.append(False)
        return results

    def _own(self, call: Call) -> None:
        if call.needed("group_id") != self._state.group:
            raise VkCallRefusedError(15)

    def _server(self, call: Call) -> CallbackServer:
        self._own(call)
        server = self._events.servers.get(call.needed("server_id"))
        if server is None:
            raise bad_parameter("server_id is invalid")
        return server


def _server_fields(call: Call) -> tuple[str, str, str]:
    url, title, secret = call.text("url"), call.text("title"), call.text("secret_key")
    if urlsplit(url).scheme not in {"http", "https"} or not urlsplit(url).hostname:
        raise bad_parameter("url is invalid")
    if not 0 < len(title) <= TITLE_CHARS_MAX:
        raise bad_parameter(f"title should have 1 to {TITLE_CHARS_MAX} characters")
    if len(secret) > SECRET_CHARS_MAX:
        raise bad_parameter(f"secret_key should have at most {SECRET_CHARS_MAX} characters")
    return url, title, secret


def _want(call: Call, wanted: set[str]) -> None:
    """Switch events on and off as *call* names them; the others stay as they are."""
    for kind in EVENT_KINDS & call.fields.keys():
        if call.whole(kind) == 1:
            wanted.add(kind)
        else:
            wanted.discard(kind)


def _calls_in(code: str) -> list[tuple[str, dict[str, str]]]:
    found = []
    for match in _EXECUTED.finditer(code):
        try:
            fields, _ = json.JSONDecoder().raw_decode(code, match.end())
        except ValueError:
            raise VkCallRefusedError(13, "arguments should be an object") from None
        if isinstance(fields, dict):
            found.append((match.group(1), _as_texts(fields)))
    return found


def _as_texts(fields: JsonObject) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in fields.items()
    }
