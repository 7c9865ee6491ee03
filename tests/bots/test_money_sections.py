from datetime import date
from decimal import Decimal

import pytest
import yaml

from bots.configuration import Configuration, ConfigurationError, checked
from core.allocation import PROPORTIONAL, Rule
from core.penalties import RULES

USUAL = """
centre: {name: ЕРКЦ}
server: {public_url: "https://kvitok.example"}
"""


def configured(text: str) -> Configuration:
    return checked(yaml.safe_load(USUAL + text), source="config.yaml")


def test_a_centre_that_says_nothing_goes_by_the_law() -> None:
    centre = configured("").as_centre

    assert (centre.allocation, centre.penalties) == (PROPORTIONAL, RULES)


def test_a_centre_may_state_a_priority_of_services() -> None:
    centre = configured("allocation: {priority: [heating, overhaul]}").as_centre

    assert centre.allocation == Rule(("heating", "overhaul"))


def test_a_new_key_rate_is_a_line_of_the_configuration() -> None:
    rules = configured("penalties: {rates: [{since: 2027-01-01, percent: 8.25}]}").as_centre.penalties

    assert rules.rate_on(date(2027, 1, 1)) == Decimal("8.25")
    assert rules.rate_on(date(2026, 12, 31)) == Decimal("9.5")


def test_a_contract_of_its_own_is_a_profile_in_the_configuration() -> None:
    [profile] = configured(
        """
registers:
- name: gorod
  way: bank:gorod
  files: ["gorod_*.txt"]
  separator: "|"
  day: "%Y%m%d"
  columns: {account: 0, amount: 2, day: 1}
  operation: [1, 3]
  trailer: {starts: "#", rows: 0, amount: 1}
"""
    ).registers

    assert profile.fits("gorod_17.txt")


@pytest.mark.parametrize(
    "text",
    [
        "registers: [{name: own, way: bank:own, columns: {account: 0, amount: 1, day: 2}}]",
        "registers: [{name: own, way: pigeon, columns: {account: 0, amount: 1, day: 2}, operation: [3]}]",
        "registers: [{name: own, way: post, columns: {acount: 0, amount: 1, day: 2}, operation: [3]}]",
        "allocation: {priority: heating}",
    ],
)
def test_a_mistake_is_named_with_its_place(text: str) -> None:
    with pytest.raises(ConfigurationError, match=text.split(":", 1)[0]):
        configured(text)
