import json
from pathlib import Path
from typing import Any

import pytest

from core.requisites import faults, is_account, is_inn
from tests.making_documents import some_requisites

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "bodies/gost-qr/vectors.json").read_bytes()
)["account_check"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["account"])
def test_an_account_is_known_by_its_check_digit(case: dict[str, Any]) -> None:
    assert is_account(case["account"], case["bic"]) is case["ok"]


@pytest.mark.parametrize(
    ("inn", "right"), [("7802532605", True), ("7802532606", False), ("500100732259", True), ("1", False)]
)
def test_a_taxpayers_number_is_known_by_its_check_digits(inn: str, right: bool) -> None:
    assert is_inn(inn) is right


def test_right_requisites_have_no_faults() -> None:
    assert list(faults(some_requisites())) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", " "), ("bank_name", ""), ("inn", "9800123450"), ("kpp", "98"), ("bik", "0445252"),
        ("bank_account", "40702810048000012346"), ("corr_account", "30101810400000000226"),
    ],
)  # fmt: skip
def test_a_mistyped_field_is_named(field: str, value: str) -> None:
    assert [name for name, _ in faults(some_requisites(**{field: value}))] == [field]
