"""`gateway serve` and its parts, each alone."""

from __future__ import annotations

import rich_click as click

from gateway import main
from gateway.processes import parts
from gateway.settings import from_environment


@click.command()
def serve() -> int:
    """Run everything on one data folder, until Ctrl-C.

    API, workers, relay, lab and (unless REDIS_URL is set) an embedded Valkey. What dies is started again; a second
    `serve` on the same GATEWAY_DATA_DIR is refused.

    \b
    GATEWAY_PORT=8080 gateway serve
    """
    return main.serve(from_environment())


@click.command()
def api() -> None:
    """Run the HTTP API alone, on GATEWAY_HOST and GATEWAY_PORT.

    \b
    DATABASE_URL=postgresql+psycopg://... REDIS_URL=redis://... GATEWAY_MASTER_KEY=... gateway api
    """
    _alone("api")


@click.command()
def work() -> None:
    """Run one worker alone; any number may run.

    \b
    REDIS_URL=redis://... gateway work
    """
    _alone("work")


@click.command()
def relay() -> None:
    """Run the relay alone; any number on PostgreSQL, one on an embedded database.

    \b
    REDIS_URL=redis://... gateway relay
    """
    _alone("relay")


@click.command()
def lab() -> None:
    """Run the simulated carriers alone, on loopback; test keys reach them through the address they leave in the data folder.

    \b
    GATEWAY_LAB_PORT=8090 gateway lab
    """
    parts.run("lab", from_environment())


def _alone(name: str) -> None:
    """A part that needs a ledger; `serve` looks after it, alone it is only checked."""
    from gateway.commands.ledger import ledger

    settings = from_environment()
    with ledger(settings):
        pass
    parts.run(name, settings)
