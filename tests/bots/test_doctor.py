"""The doctor minds the law: a foreign messenger that may carry personal data is warned of."""

from typing import Any

import pytest

from bots.configuration import checked
from bots.doctor import warnings_of_law

CENTRE: dict[str, Any] = {"centre": {"name": "ЕРКЦ"}, "server": {"public_url": "https://centre.example"}}


def warned(**channels: object) -> list[str]:
    return warnings_of_law(checked({**CENTRE, "channels": channels}, source="test"))


@pytest.mark.parametrize("name", ["telegram", "viber"])
def test_a_foreign_messenger_that_is_open_is_warned_of_with_the_law(name: str) -> None:
    [warning] = warned(**{name: {"mode": "open"}})

    assert f"channels.{name}.mode" in warning
    assert "149-ФЗ" in warning
    assert "41-ФЗ" in warning
    assert "13.11.2" in warning


def test_a_foreign_messenger_is_strict_unless_it_says_otherwise() -> None:
    assert warned(telegram={}, viber={}) == []


def test_a_messenger_of_the_country_may_be_open() -> None:
    assert warned(vk={"group_id": 1}, ok={}) == []
