"""What Alembic runs for each of its commands."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    transactional_ddl=True,
    transaction_per_migration=True,
    on_version_apply=context.config.attributes["applied"].note,
    include_name=context.config.attributes["applied"].is_compared,
)
with context.begin_transaction():
    context.run_migrations()
