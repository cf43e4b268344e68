"""`mingle migrate`: creates or updates the tables in Cassandra."""

import asyncio

import click

from services.errors import MingleError, StoreUnavailable
from services.storage import migrations
from streams.cli.configuration import load_settings
from streams.process.doctor import describe_unreachable


@click.command("migrate")
@click.option("--dry-run", is_flag=True, help="Show what would be applied, change nothing.")
def command(dry_run: bool) -> None:
    """Create or update the tables in Cassandra.

    Applies, under a lock, the migrations that are missing. Refuses a store that a newer version
    has migrated. Running it again changes nothing.
    """
    settings = load_settings()
    try:
        changes = asyncio.run(
            migrations.migrate(settings, migrations.available_migrations(), dry_run=dry_run)
        )
    except StoreUnavailable as error:
        raise click.ClickException(describe_unreachable(settings, error)) from error
    except MingleError as error:
        raise click.ClickException(str(error)) from error
    for each in changes:
        verb = "would apply" if dry_run else "applied"
        click.echo(f"{verb} {each.number:04} {each.name}: {each.purpose}")
    if not changes:
        click.echo(f"{settings.cassandra_keyspace} is up to date")
