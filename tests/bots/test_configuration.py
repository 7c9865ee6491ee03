from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from bots.configuration import Configuration, ConfigurationError, checked, load
from core.messages import Month
from core.reading_windows import Days, MovedWindow
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


def with_windows(*windows: Mapping[str, object]) -> Configuration:
    return checked(
        {"centre": {"name": "ЕРКЦ", "moved_windows": list(windows)}, "server": SERVER}, source="test"
    )


def test_moved_windows_reach_the_centre() -> None:
    of_all = {"month": "2026-12", "opens": "2026-12-15", "closes": "2027-01-03"}
    of_light = of_all | {"closes": date(2026, 12, 22), "service": "electricity"}

    days = Days(date(2026, 12, 15), date(2027, 1, 3)), Days(date(2026, 12, 15), date(2026, 12, 22))
    assert with_windows(of_all, of_light).as_centre.moved_windows == (
        MovedWindow(Month(2026, 12), days[0]),
        MovedWindow(Month(2026, 12), days[1], "electricity"),
    )


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"month": "12.2026"}, r"moved_windows\[0\]\.month: .*; accepted: a text like"),
        ({"opens": "soon"}, r"moved_windows\[0\]\.opens: .*; accepted: a day such as"),
        ({"opens": "2026-11-30"}, r"moved_windows\[0\]\.opens: 2026-11-30 is no day of 2026-12"),
        (
            {"closes": "2026-12-14"},
            r"moved_windows\[0\]\.closes: .*; accepted: a day from 2026-12-15 to 2027-01-31",
        ),
        (
            {"closes": "2027-02-01"},
            r"moved_windows\[0\]\.closes: .*; accepted: a day from 2026-12-15 to 2027-01-31",
        ),
        ({"service": "sewage"}, r"moved_windows\[0\]\.service: .*; accepted: '' or 'cold_water'"),
        (
            {"closed": "x"},
            r"moved_windows\[0\]\.closed: is not known; accepted here: month, opens, closes, service",
        ),
    ],
)
def test_what_is_wrong_with_a_moved_window_is_named_by_its_key(
    change: dict[str, object], mistake: str
) -> None:
    usual = {"month": "2026-12", "opens": "2026-12-15", "closes": "2026-12-28"}

    with pytest.raises(ConfigurationError, match=mistake):
        with_windows(usual | change)


def test_a_month_is_moved_once_for_a_service() -> None:
    window: dict[str, object] = {"month": "2026-12", "opens": "2026-12-15", "closes": "2026-12-28"}

    with pytest.raises(ConfigurationError, match=r"moved_windows\[1\]\.month: 2026-12 is moved twice"):
        with_windows(window, window)


def test_days_of_rest_that_were_moved_reach_the_centre() -> None:
    centre = {"name": "ЕРКЦ", "days_off": ["2027-01-08"], "days_worked": ["2027-02-20"]}

    found = checked({"centre": centre, "server": SERVER}, source="test").as_centre
    assert (found.days_off, found.days_worked) == ((date(2027, 1, 8),), (date(2027, 2, 20),))


def test_what_is_no_yaml_is_told_in_a_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text("centre: [\n")

    with pytest.raises(
        ConfigurationError, match=r"config\.yaml: is not YAML: line 2, column 1: .*"
    ) as raised:
        load(file)
    assert "\n" not in str(raised.value)
