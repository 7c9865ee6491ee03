import pytest

from core.registers import SHIPPED, Columns, NoProfileError, Profile, profile_named, profile_of


def a_profile(name: str, *files: str) -> Profile:
    columns = Columns(account=0, amount=1, day=2)
    return Profile(name=name, way="bank:own", columns=columns, operation=(3,), files=files)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("9800123456_40702810048000012345_004.y05", "sber"),
        ("EPS100000001_1884712217_9800123456_40702810048000012345_033.y05", "sber-readings"),
        ("H2166002.DBF", "sber-dbf"),
        ("agent_subsidy_2026.txt", "subsidy"),
        ("0405_10_2015.dbf", "agent-dbf"),
        ("FPST1710.DBF", "post-dbf"),
        ("26TR2007.DBF", "post-dbf"),
        ("detail_20261005.txt", "orders"),
        ("post_20261005.csv", "post"),
        ("cash_20261005.csv", "cash"),
        ("payroll_mayak_2026-10.csv", "payroll"),
    ],
)
def test_a_register_is_told_by_the_name_of_its_file(file: str, name: str) -> None:
    profile = profile_of(file)

    assert profile is not None
    assert profile.name == name


def test_a_file_of_another_name_is_no_register() -> None:
    assert profile_of("payments_zarechinsk_2026-10-05_1.csv") is None


def test_a_centres_own_profile_goes_before_the_shipped_ones() -> None:
    own = a_profile("own-bank", "*.y[0-9][0-9]")

    assert profile_of("9800123456_40702810048000012345_004.y05", (own,)) is own


def test_a_centres_own_profile_takes_the_place_of_the_shipped_one_of_its_name() -> None:
    own = a_profile("sber", "*.own")

    assert profile_of("9800123456_40702810048000012345_004.y05", (own,)) is None
    assert profile_named("sber", (own,)) is own


def test_a_profile_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(NoProfileError, match="sber-readings"):
        profile_named("sberbank")


def test_no_two_shipped_profiles_share_a_name() -> None:
    assert len({profile.name for profile in SHIPPED}) == len(SHIPPED)
