"""What a statement may fail by that is not the statement's own fault."""

from typing import Final

import asyncpg

# What another transaction caused, and what trying again may cure.
PASSING: Final = (
    asyncpg.SerializationError,
    asyncpg.DeadlockDetectedError,
    asyncpg.LockNotAvailableError,
)

# The database is away, stopping, full, or no longer the one to write to: nothing is recorded. A connection
# that is lost while asyncpg reads from it is an internal error of asyncpg's.
AWAY: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    OSError,
    TimeoutError,
)

# A statement that took too long: an operator's intervention by its class, but the statement's own fault.
TOO_SLOW: Final = asyncpg.QueryCanceledError
