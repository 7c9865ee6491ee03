"""Another release of PostgreSQL is what was asked for, or nothing is tested."""

import pytest

from tests.conftest import other_release


def test_another_release_that_was_not_found_is_not_taken_for_none_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("KVITOK_TEST_POSTGRES", "")

    with pytest.raises(pytest.fail.Exception, match="KVITOK_TEST_POSTGRES is empty"):
        other_release()


def test_no_other_release_is_tested_on_unless_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KVITOK_TEST_POSTGRES", raising=False)

    assert other_release() is None
