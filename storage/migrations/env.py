"""How Alembic reaches the database: over the one connection that `storage.migrating` hands it."""

from alembic import context

from storage.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
