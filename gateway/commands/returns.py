"""Returns over the API from the command line: what they would cost, booking many, where a parcel is, its label, its events."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import rich_click as click
from rich.progress import Progress

from gateway.commands.ledger import AS_JSON, Failed, show_json, show_table
from gateway.commands.remote import Remote, over_api

_BATCH = 100
_FILE = click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path))
_FORMATS = {"pdf": "application/pdf", "png": "image/png", "zpl": "application/zpl"}
_LOOK = 2.0
_PAGE = 200


# --- quote -----------------------------------------------------------------------------------------


@click.command()
@_FILE
@AS_JSON
@over_api
def quote(remote: Remote, file: Path, as_json: bool) -> None:
    """Ask every carrier account what this return would cost. FILE is the JSON of a quote, - is standard input.

    \b
    gateway quote return.json
    """
    found = remote.post("/quotes", _one(_text(file), file))
    if as_json:
        show_json(found)
        return
    click.echo(found["sentence"])
    show_table(("rank", "carrier", "price", "first visit", "all in", "days"), [_offer(one) for one in found["offers"]])
    for one in found["left_out"]:
        click.echo(f"left out: {one['carrier']} {one['service']}: {one['cause']} {one['detail']}".rstrip())


def _offer(one: dict[str, Any]) -> tuple[str, ...]:
    days = "" if one["tat_days"] is None else str(one["tat_days"])
    return (str(one["rank"]), one["name"], _money(one["price"]), f"{one['chance']['p']:.0%}", _money(one["expected_cost"]), days)


def _money(amount: dict[str, str]) -> str:
    return f"{amount['currency']} {amount['amount']}"


# --- book ------------------------------------------------------------------------------------------


@click.command()
@_FILE
@click.option("--key-prefix", default="", help="Of the idempotency keys; the file's digest if left out.")
@AS_JSON
@over_api
def book(remote: Remote, file: Path, key_prefix: str, as_json: bool) -> int:
    """Book the returns in FILE: one pickup's JSON a line, or an array of them. - is standard input.

    A second run of the same file books nothing twice: its answers are those of the first.

    \b
    gateway book returns.jsonl
    """
    text = _text(file)
    wanted = _many(text, file)
    prefix = key_prefix or hashlib.sha256(text.encode()).hexdigest()[:24]
    results = _booked(remote, wanted, prefix)
    refused = [one for one in results if one["problem"]]
    if as_json:
        show_json(results)
    else:
        for one in refused:
            click.echo(f"line {one['index'] + 1}: {_why(one['problem'])}", err=True)
        click.echo(f"{len(results) - len(refused)} accepted, {len(refused)} refused")
    return 1 if refused else 0


def _booked(remote: Remote, wanted: Sequence[Any], prefix: str) -> list[dict[str, Any]]:
    """A hundred at a time; each result with its place in the whole."""
    found: list[dict[str, Any]] = []
    with Progress(transient=True, disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task("booking", total=len(wanted))
        for start in range(0, len(wanted), _BATCH):
            part = wanted[start : start + _BATCH]
            answer = remote.post("/pickups/batch", {"pickups": part}, {"idempotency-key": f"{prefix}-{start}"})
            found += [{**one, "index": one["index"] + start} for one in answer["data"]]
            progress.advance(task, len(part))
    return found


def _why(problem: dict[str, Any]) -> str:
    fields = [f"{one.get('pointer')} {one.get('detail')}" for one in problem.get("errors") or ()]
    return "; ".join([problem.get("detail") or problem["title"], *fields])


# --- track, label, events --------------------------------------------------------------------------


@click.command()
@click.argument("carrier")
@click.argument("awb")
@AS_JSON
@over_api
def track(remote: Remote, carrier: str, awb: str, as_json: bool) -> None:
    """Ask a carrier where a parcel is, also one that was not booked here.

    \b
    gateway track delhivery 57930810000066
    """
    found = remote.get(f"/tracking/{carrier}/{awb}")
    if as_json:
        show_json(found)
        return
    click.echo(f"{found['carrier']} {found['awb']}: {found['milestone'] or 'nothing reported yet'}")
    show_table(("at", "milestone", "reason", "place"), [_scan(one) for one in found["scans"]])


def _scan(one: dict[str, Any]) -> tuple[str, ...]:
    return one["at"], one["milestone"], one.get("reason") or "", one.get("place") or ""


@click.command()
@click.argument("pickup")
@click.option("--format", "form", type=click.Choice(list(_FORMATS)), default="pdf", show_default=True)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    help="PICKUP.pdf if left out; - is standard output.",
)
@over_api
def label(remote: Remote, pickup: str, form: str, output: Path | None) -> None:
    """Fetch a pickup's label.

    \b
    gateway label pck_... --format zpl --output label.zpl
    """
    content = remote.ask("GET", f"/pickups/{pickup}/label", headers={"accept": _FORMATS[form]}).content
    path = output or Path(f"{pickup}.{form}")
    if str(path) == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        path.write_bytes(content)
    except OSError as error:
        raise Failed(f"{path} cannot be written: {error.strerror}") from error
    click.echo(f"{path}, {len(content)} bytes", err=True)


@click.command()
@click.option("--type", "types", multiple=True, help="Such as pickup.collected; may be repeated.")
@click.option("--after", help="The cursor an earlier call ended with: only what came later.")
@click.option("--follow", is_flag=True, help="Go on with what happens, until Ctrl-C.")
@AS_JSON
@over_api
def events(remote: Remote, types: tuple[str, ...], after: str | None, follow: bool, as_json: bool) -> None:
    """List what happened, the oldest first; with --json one event a line. Ends with the cursor to go on from, on standard error.

    \b
    gateway events --follow --type pickup.collected --type pickup.visit_failed
    """
    cursor = after
    try:
        for page in _pages(remote, after, follow, ",".join(types)):
            cursor = page["page"]["next"]
            for one in page["data"]:
                click.echo(json.dumps(one) if as_json else _event(one))
    finally:
        click.echo(f"next: {cursor or 'from the beginning'}", err=True)


def _pages(remote: Remote, after: str | None, follow: bool, types: str) -> Iterator[dict[str, Any]]:
    while True:
        page = remote.get("/events", limit=_PAGE, after=after, type=types)
        yield page
        after = page["page"]["next"]
        if not page["page"]["has_more"]:
            if not follow:
                return
            time.sleep(_LOOK)


def _event(one: dict[str, Any]) -> str:
    return f"{one['at'][:19].replace('T', ' ')}  {one['type']:<26}  {one['pickup'] or ''}".rstrip()


# --- files -----------------------------------------------------------------------------------------


def _text(file: Path) -> str:
    try:
        return sys.stdin.read() if str(file) == "-" else file.read_text()
    except UnicodeDecodeError as error:
        raise Failed(f"{file} is not UTF-8: {error}") from error


def _one(text: str, file: Path) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise Failed(f"{file} is not JSON: {error}") from error


def _many(text: str, file: Path) -> list[Any]:
    """An array, or a value a line. Raises Failed naming the line."""
    if text.lstrip().startswith("["):
        return list(_one(text, file))
    lines = [(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not lines:
        raise Failed(f"{file} is empty: one pickup's JSON a line is wanted")
    return [_line(line, number, file) for number, line in lines]


def _line(line: str, number: int, file: Path) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise Failed(f"{file}, line {number} is not JSON: {error}") from error
