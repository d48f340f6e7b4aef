"""Runs migrations on the connection that `handrail.store.migrate` holds; nothing else starts them."""

from alembic import context

context.configure(connection=context.config.attributes["connection"])
with context.begin_transaction():
    context.run_migrations()
