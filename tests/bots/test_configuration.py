import pytest

from bots.configuration import ConfigurationError, checked
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
