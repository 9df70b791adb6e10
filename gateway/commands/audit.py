"""`gateway audit`: is the audit log as it was written?"""

from __future__ import annotations

from pathlib import Path

import msgspec
import rich_click as click

from gateway.commands.ledger import AS_JSON, ledger, merchant_named, show_json, show_table
from gateway.store import audit as store
from gateway.store.audit import ENTRIES, INSTALLATION, Chain, Entry, Head, Verdict
from gateway.store.database import Database
from gateway.values import Mode


@click.group()
def audit() -> None:
    """The audit log: verify it, note its heads, list a part of it.

    \b
    gateway audit verify
    """


@audit.command()
@click.option("--against", type=click.Path(path_type=Path), help="Heads noted earlier with `gateway audit heads --json`.")
@AS_JSON
def verify(against: Path | None, as_json: bool) -> int:
    """Check every chain: no entry changed, taken out, put in or moved. Exit code 1 where one is broken, with its first bad entry.

    Somebody who may write to the database can write the whole log anew; that shows against heads that were noted elsewhere.

    \b
    gateway audit verify --against heads.json
    """
    noted = _noted(against) if against else {}
    with ledger() as database:
        verdicts = [store.verify(database, chain, noted.get(chain)) for chain in _chains(database, noted)]
    if as_json:
        show_json([_told(verdict) for verdict in verdicts])
    else:
        for verdict in verdicts:
            click.echo(_sentence(verdict))
    return 1 if any(verdict.broken for verdict in verdicts) else 0


def _noted(path: Path) -> dict[Chain, Head]:
    """Raises UsageError for a file that holds no heads."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=list[Head])
    except (OSError, msgspec.MsgspecError) as error:
        raise click.UsageError(f"--against {path}: write it with `gateway audit heads --json` ({error})") from error
    return {head.chain: head for head in found}


def _chains(database: Database, noted: dict[Chain, Head]) -> list[Chain]:
    """Those there are, and those there were."""
    with database.read() as tx:
        return sorted({head.chain for head in store.heads(tx)} | noted.keys(), key=str)


def _told(verdict: Verdict) -> dict[str, object]:
    broken = msgspec.structs.asdict(verdict.broken) if verdict.broken else None
    return {"chain": str(verdict.head.chain), "entries": verdict.head.entries, "hash": verdict.head.hash, "broken": broken}


def _sentence(verdict: Verdict) -> str:
    head, broken = verdict.head, verdict.broken
    if broken is None:
        return f"{head.chain}: {head.entries} entries, all as written"
    place = f"entry {broken.number}" + (f" ({broken.id})" if broken.id else "")
    return f"{head.chain}: BROKEN at {place}: {broken.what}"


@audit.command()
@AS_JSON
def heads(as_json: bool) -> None:
    """Tell where each chain ends. Noted where the database's owner cannot write, this shows a log written anew.

    \b
    gateway audit heads --json >heads.json
    """
    with ledger() as database, database.read() as tx:
        found = store.heads(tx)
    if as_json:
        show_json(found)
    else:
        show_table(("chain", "entries", "hash"), [(str(head.chain), str(head.entries), head.hash) for head in found])


@audit.command("list")
@click.option("--merchant", help="Of this merchant: its name or id; that of the installation if left out.")
@click.option("--mode", type=click.Choice([str(mode) for mode in Mode]), default="live", show_default=True)
@click.option("--object", "object_id", default="", help="About this id only.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@AS_JSON
def list_entries(merchant: str | None, mode: str, object_id: str, limit: int, as_json: bool) -> None:
    """List the newest entries.

    \b
    gateway audit list --merchant "Kalpana Apparel" --mode test
    """
    with ledger() as database, database.read() as tx:
        chain = Chain(merchant_named(tx, merchant).id, mode) if merchant else INSTALLATION
        about = [ENTRIES.table.c.object_id == object_id] if object_id else []
        found = ENTRIES.all(tx, store.entries_of(chain), *about, order=ENTRIES.table.c.number.desc(), limit=limit)
    if as_json:
        show_json([msgspec.structs.asdict(entry) | {"change": msgspec.json.decode(entry.change)} for entry in found])
    else:
        show_table(("number", "at", "actor", "action", "object"), [_row(entry) for entry in found])


def _row(entry: Entry) -> tuple[str, ...]:
    return str(entry.number), entry.at, entry.actor, entry.action, entry.object_id
