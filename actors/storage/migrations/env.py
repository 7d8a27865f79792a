"""Alembic's entry: runs the steps on the connection that `migrate` gives, inside its transaction and its lock."""

from __future__ import annotations

from alembic import context

from actors.storage.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
