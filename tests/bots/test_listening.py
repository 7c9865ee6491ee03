"""What serving an address needs of its process."""

import resource
from collections.abc import Iterator

import pytest

from bots.listening import allow_many_connections


@pytest.fixture
def hard() -> Iterator[int]:
    """The most files that this process may have open; it allows itself fewer for the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - 1), hard))
    yield hard
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_as_many_connections_are_allowed_as_the_system_lets_us(hard: int) -> None:
    allow_many_connections()

    assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
