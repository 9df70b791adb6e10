"""`gateway db`: the schema."""

from __future__ import annotations

import rich_click as click

from gateway.processes.ledger import opened
from gateway.settings import from_environment


@click.group()
def db() -> None:
    """The database: bring its schema up to date.

    \b
    DATABASE_URL=postgresql+psycopg://... gateway db upgrade
    """


@db.command()
def upgrade() -> None:
    """Bring the schema to this program's version; nothing happens if it is there.

    \b
    gateway db upgrade
    """
    with opened(from_environment()) as database:
        database.upgrade()
    click.echo("the schema is up to date")
