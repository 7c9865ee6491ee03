"""The sections of config.yaml about messengers."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec

Mode = Literal["open", "strict"]
# Buttons of every messenger open https; what is in the place of the code is ours to fill in.
ChatLink = Annotated[str, msgspec.Meta(pattern=r"^(https://\S+\{code\}\S*)?$")]
# An address that Viber's application alone opens; a page of ours stands before it.
ViberLink = Annotated[
    str, msgspec.Meta(pattern=r"^((https://\S+|viber://pa\?chatURI=[A-Za-z0-9_.-]+&context=)\{code\}\S*)?$")
]


class ChannelSection(msgspec.Struct, frozen=True):
    """What every messenger has.

    *mode*: whether personal and payment data may be said there (`strict` for messengers that the law closes
    to them). *proxy*: for requests going out. *link*: where its chat with us is opened with a code, `{code}`
    in its place; '' where there is no such address, and the code is typed. *messages_per_s*: how fast it may
    be sent to; None: as fast as the messenger allows everyone.

    Each messenger states whether it is *foreign*, as Roskomnadzor lists it: whoever the law binds (149-ФЗ art. 10
    p. 8-10) may send nothing personal through it, so such a one is `strict` unless the centre says otherwise.
    """

    foreign: ClassVar[bool]
    mode: Mode = "open"
    proxy: str = ""
    link: ChatLink = ""
    messages_per_s: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None

    @property
    def is_polled(self) -> bool:
        """Whether updates are fetched, for want of a public address."""
        return bool(getattr(self, "polling", False))

    @property
    def roots(self) -> str:
        """The file with roots that the messenger's certificate needs beside the system's; '' for none."""
        return str(getattr(self, "ca_file", ""))


class TelegramSection(ChannelSection, frozen=True):
    """The Telegram bot. *api_base* and *proxy* for a network that does not reach Telegram itself.

    *link* is `https://t.me/<name of the bot>?start={code}`.
    """

    foreign: ClassVar[bool] = True
    mode: Mode = "strict"
    polling: bool = False
    api_base: str = "https://api.telegram.org"


class VkSection(ChannelSection, frozen=True, kw_only=True):
    """The VK community. *group_id* is its number; *link* is `https://vk.me/<its name>?ref={code}`."""

    foreign: ClassVar[bool] = False
    group_id: Annotated[int, msgspec.Meta(ge=1)]
    polling: bool = False
    api_base: str = "https://api.vk.ru"


class OkSection(ChannelSection, frozen=True):
    """The group in Odnoklassniki, whose links carry no code.

    *text_chars_max* is not published, so it is careful until it was measured on a live group. *press_answer*:
    the words that answer a press at once, before the reply; '' where the reply alone is enough.
    """

    foreign: ClassVar[bool] = False
    polling: bool = False
    api_base: str = "https://api.ok.ru/graph"
    text_chars_max: Annotated[int, msgspec.Meta(ge=500, le=10_000)] = 2000
    press_answer: Annotated[str, msgspec.Meta(max_length=100)] = ""


class ViberSection(ChannelSection, frozen=True):
    """The Viber bot; Viber knows no polling. *sender_name* is the centre's name by default.

    *link* is `viber://pa?chatURI=<name of the bot>&context={code}`.
    """

    foreign: ClassVar[bool] = True
    mode: Mode = "strict"
    link: ViberLink = ""
    sender_name: Annotated[str, msgspec.Meta(max_length=28)] = ""
    avatar: str = ""
    api_base: str = "https://chatapi.viber.com"


class MaxSection(ChannelSection, frozen=True):
    """The MAX bot. *ca_file*: a PEM file with the root that the API's certificate is of (Russian Trusted Root CA).

    *link* is `https://max.ru/<name of the bot>?start={code}`.
    """

    foreign: ClassVar[bool] = False
    polling: bool = False
    api_base: str = "https://platform-api2.max.ru"
    ca_file: str = ""


class ChannelsSection(msgspec.Struct, frozen=True):
    """The messengers that are on: a channel that is not named is off."""

    telegram: TelegramSection | None = None
    vk: VkSection | None = None
    ok: OkSection | None = None
    viber: ViberSection | None = None
    max: MaxSection | None = None

    @property
    def on(self) -> dict[str, ChannelSection]:
        """The sections of the messengers that are on, by channel."""
        sections = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: section for name, section in sections if section is not None}

    def links(self, public_url: str) -> tuple[tuple[str, str], ...]:
        """Where chats are opened with a code, by channel: by https, if need be over our page at *public_url*."""
        return tuple(
            (name, f"{public_url.rstrip('/')}/c/{name}/{{code}}" if name in self.own_links else section.link)
            for name, section in self.on.items()
            if section.link
        )

    @property
    def own_links(self) -> dict[str, str]:
        """Those of them that are addresses of an application, which no messenger's button takes."""
        return {
            name: section.link
            for name, section in self.on.items()
            if section.link and not section.link.startswith("https://")
        }
