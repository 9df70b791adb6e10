"""`gateway demo`: the demonstration, and with --serve the gateway to go on with."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import time

import rich_click as click
from rich.console import Console

from gateway.commands.ledger import Failed
from gateway.demo import stage
from gateway.demo.api import Gone, Problem
from gateway.demo.play import Play
from gateway.demo.returns import RETURNS
from gateway.processes.folder import data_folder
from gateway.processes.lock import hold
from gateway.settings import Settings, from_environment

_SECONDS = 45.0
_WIDTH = 120  # of what is no terminal


@click.command()
@click.option("--serve", "keep_serving", is_flag=True, help="Go on serving afterwards, until Ctrl-C.")
@click.option("--returns", "number", default=len(RETURNS), show_default=True, type=click.IntRange(1, 150), help="How many to book.")
@click.option("--seed", default=7, show_default=True, help="Of the lab's dice.")
def demo(keep_serving: bool, number: int, seed: int) -> int:
    """Show simulated returns from quote to warehouse: a dozen in India, two in the Gulf, two in the USA.

    Starts the gateway unless it runs already on this data folder. A second run finishes what the first one left, then books more.

    \b
    gateway demo --serve
    """
    settings = from_environment()
    hold(data_folder(settings) / "demo.lock", "a demonstration")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
    try:
        with stage.gateway(settings):
            return _show(settings, console, keep_serving, number, seed)
    except Problem as problem:
        raise Failed(f"the gateway did not take a request of the demonstration: {problem}") from problem
    except Gone as gone:
        raise Failed(f"the gateway went away ({gone}): see {settings.data_dir / 'gateway.log'}") from gone


def _show(settings: Settings, console: Console, keep_serving: bool, number: int, seed: int) -> int:
    """The exit code: 1 where returns are still under way."""
    started = time.monotonic()
    console.print("All of this is simulated: carriers, prices, riders, customers. No parcel moves, no carrier is called.\n")
    set_up = stage.set_up(settings, seed)
    play = Play(set_up, console, _SECONDS)
    ended = play.run(number)
    play.sum_up()
    console.print(f"{time.monotonic() - started:.0f} s{'' if ended else '; some returns are still under way'}\n")
    if keep_serving:
        _serve_on(settings, console, set_up)
    return 0 if ended else 1


def _serve_on(settings: Settings, console: Console, set_up: stage.Stage) -> None:
    console.print(f"Serving on {settings.api_url}, until Ctrl-C. The test key: {set_up.key}\n\nTry:\n", soft_wrap=True)
    for line in commands(settings.api_url, set_up.key, set_up.locations["Bhiwandi"], secrets.token_hex(3)):
        console.print(line, markup=False, soft_wrap=True)
        console.print()
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        console.print("\nstopping")


def commands(url: str, key: str, location: str, number: str) -> tuple[str, str, str]:
    """Three commands to paste: a quote, a pickup, the list."""
    place = {"postal_code": "560038", "country": "IN"}
    common = {
        "consignee": {"location": location},
        "parcels": [{"weight_g": 480, "length_mm": 300, "width_mm": 200, "height_mm": 60}],
    }
    value = {"amount": "1499.00", "currency": "INR"}
    person = {"name": "Asha Rao", "phone": "+919820611611", "line1": "12 Rose Lane", "city": "Bengaluru", "state": "Karnataka"}
    item = {"sku": "SH-1", "description": "Cotton shirt", "quantity": 1, "unit_value": value, "return_reason": "size_or_fit"}
    quote = {"shipper": place, **common, "declared_value": value}
    pickup = {"reference": f"RMA-{number}", "shipper": {**person, **place}, **common, "items": [item]}
    authorized = f"-H 'Authorization: Bearer {key}'"
    return (
        f"curl -s {url}/v1/quotes {authorized} {_body(quote)}",
        f"curl -s {url}/v1/pickups {authorized} -H 'Idempotency-Key: {number}' -H 'Prefer: wait=5' {_body(pickup)}",
        f"curl -s '{url}/v1/pickups?limit=5' {authorized}",
    )


def _body(value: object) -> str:
    return f"-H 'Content-Type: application/json' -d '{json.dumps(value)}'"
