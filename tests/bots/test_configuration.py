from pathlib import Path

import pytest

from bots.configuration import ConfigurationError, checked, load
from tests.making_documents import some_requisites

SERVER = {"public_url": "https://pay.example"}


def with_requisites(**rest: str) -> dict[str, object]:
    """A configuration whose centre has the usual requisites, but for *rest*."""
    usual = some_requisites()
    requisites = {name: getattr(usual, name) for name in usual.__struct_fields__}
    return {"centre": {"name": "ЕРКЦ", "requisites": requisites | rest}, "server": SERVER}


def test_requisites_reach_the_centre() -> None:
    assert checked(with_requisites(), source="test").as_centre.requisites == some_requisites()


def test_a_centre_may_have_no_requisites() -> None:
    assert checked({"centre": {"name": "ЕРКЦ"}, "server": SERVER}, source="test").as_centre.requisites is None


def test_a_mistyped_account_is_named_with_its_path() -> None:
    with pytest.raises(ConfigurationError, match=r"centre\.requisites\.bank_account: cannot be right"):
        checked(with_requisites(bank_account="40702810048000012346"), source="test")


def test_what_is_no_yaml_is_told_in_a_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("centre: [\n")

    with pytest.raises(
        ConfigurationError, match=r"config\.yaml: is not YAML: line 2, column 1: .*"
    ) as raised:
        load(file)
    assert "\n" not in str(raised.value)
