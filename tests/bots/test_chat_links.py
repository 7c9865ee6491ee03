"""A chat that only an application's own address opens is told by a page of the centre's, which leads on."""

from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bots.chat_links import chat_routes
from bots.configuration import Configuration, ConfigurationError, checked

CENTRE: dict[str, Any] = {"centre": {"name": "ЕРКЦ"}, "server": {"public_url": "https://centre.example/"}}
VIBER = "viber://pa?chatURI=kvitok_bot&context={code}"
VK = "https://vk.me/kvitok?ref={code}"


def configured(channels: dict[str, Any]) -> Configuration:
    return checked({**CENTRE, "channels": channels}, source="test")


def test_a_link_of_an_application_is_told_by_a_page_and_one_of_the_web_as_it_is() -> None:
    centre = configured({"viber": {"link": VIBER}, "vk": {"group_id": 1, "link": VK}}).as_centre

    assert dict(centre.chat_links) == {"viber": "https://centre.example/c/viber/{code}", "vk": VK}


@pytest.mark.parametrize(
    "channels",
    [
        {"viber": {"link": "viber://pa?chatURI=kvitok_bot"}},
        {"viber": {"link": "viber://add?number={code}"}},
        {"telegram": {"link": VIBER}},
    ],
)
def test_a_link_that_opens_no_chat_with_a_code_is_refused(channels: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"link"):
        configured(channels)


@pytest.mark.parametrize(
    ("path", "status"),
    [("/c/viber/join-x7k2", 200), ("/c/vk/join-x7k2", 404), ("/c/viber/%22%3E%3Cb%3E", 404)],
)
async def test_the_page_leads_on_with_the_code_alone(path: str, status: int) -> None:
    app = web.Application()
    app.add_routes(chat_routes({"viber": VIBER}, configured({}).as_centre))
    async with TestClient(TestServer(app)) as client:
        response = await client.get(path)
        page = await response.text()

    assert response.status == status
    assert ('href="viber://pa?chatURI=kvitok_bot&amp;context=join-x7k2"' in page) == (status == 200)
