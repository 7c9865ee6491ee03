"""What a statement may fail by that is not the statement's own fault."""

from typing import Final

import asyncpg

# What another transaction caused, and what trying again may cure.
PASSING: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)

# The database is away, stopping or full: nothing is recorded.
AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    OSError,
    TimeoutError,
)

# A statement that took too long: an operator's intervention by its class, but the statement's own fault.
TOO_SLOW: Final = asyncpg.QueryCanceledError
