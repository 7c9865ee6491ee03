"""What tests of the books share."""

from collections.abc import AsyncIterator

import pytest

from storage.database import Connection


@pytest.fixture
async def books(db: Connection) -> AsyncIterator[Connection]:
    """The app's connection within one transaction, as whoever moves money has it; rolled back in the end."""
    turn = db.transaction()
    await turn.start()
    yield db
    await turn.rollback()
