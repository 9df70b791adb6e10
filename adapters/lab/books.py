"""The carriers' books: one SQLite file that survives a kill with nothing lost.

WAL, `synchronous=FULL`, BEGIN IMMEDIATE, one connection. What is written is written by SQL here and nowhere else; JSON
columns hold Structs. Business time is kept as whole epoch seconds, the pushes' wall time with fractions.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from adapters.contract.scans import Reason
from adapters.lab.faults import Rule, RuleOrder
from adapters.lab.side import Consignment, Event

_SCHEMA = """
CREATE TABLE IF NOT EXISTS accounts (
    carrier TEXT, account TEXT, ahead REAL NOT NULL DEFAULT 0, PRIMARY KEY (carrier, account)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS consignments (
    id INTEGER PRIMARY KEY, carrier TEXT, account TEXT, awb TEXT, reference TEXT, body BLOB, marks BLOB,
    UNIQUE (carrier, account, awb));
CREATE INDEX IF NOT EXISTS by_reference ON consignments (reference, carrier, account);
CREATE TABLE IF NOT EXISTS plans (
    id INTEGER PRIMARY KEY, carrier TEXT, account TEXT, due INTEGER, awb TEXT, step TEXT, event BLOB);
CREATE INDEX IF NOT EXISTS by_due ON plans (carrier, account, due, id);
CREATE INDEX IF NOT EXISTS by_awb ON plans (carrier, account, awb);
CREATE TABLE IF NOT EXISTS counters (
    carrier TEXT, account TEXT, series TEXT, value INTEGER, PRIMARY KEY (carrier, account, series)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS kept (
    carrier TEXT, account TEXT, key TEXT, value BLOB, PRIMARY KEY (carrier, account, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS rules (id INTEGER PRIMARY KEY AUTOINCREMENT, body BLOB);
CREATE TABLE IF NOT EXISTS pushes (
    id INTEGER PRIMARY KEY AUTOINCREMENT, carrier TEXT, account TEXT, awb TEXT, headers BLOB, body BLOB,
    born REAL, due REAL, tries INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS pushes_by_awb ON pushes (carrier, account, awb, id);
CREATE INDEX IF NOT EXISTS pushes_by_due ON pushes (due);
"""

_DUE_PUSHES = """
SELECT id, carrier, account, headers, body, born, tries FROM pushes AS p WHERE due <= ? AND NOT EXISTS (
    SELECT 1 FROM pushes AS q WHERE q.carrier = p.carrier AND q.account = p.account AND q.awb = p.awb AND q.id < p.id)
ORDER BY due, id LIMIT ?
"""

_LINES = """
SELECT carrier, account, body FROM consignments WHERE :carrier IN ('', carrier) AND :account IN ('', account) ORDER BY 1, 2, id
"""
_LINES_OF_REFERENCE = """
SELECT carrier, account, body FROM consignments
WHERE reference = :reference AND :carrier IN ('', carrier) AND :account IN ('', account) ORDER BY 1, 2, id
"""


class Marks(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The world faults a consignment was booked with.

    `failing`: the first so many visits fail (`every_visit`: all), for `reason` or a drawn one, at the QC when `qc`. `late` in
    seconds. `held` is an event kept back to be shown after the next one.
    """

    lucky: bool = False
    failing: int = 0
    every_visit: bool = False
    reason: Reason | None = None
    qc: bool = False
    silent: bool = False
    late: int = 0
    twice: bool = False
    swapped: bool = False
    lost: bool = False
    unpushed: bool = False
    held: Event | None = None


class Entry(msgspec.Struct, kw_only=True):
    """A consignment with what the carrier's customers do not see."""

    consignment: Consignment
    marks: Marks


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to happen to a consignment, and when."""

    id: int
    awb: str
    at: dt.datetime
    step: str
    event: Event | None


class Sending(msgspec.Struct, frozen=True, kw_only=True):
    """A push on its way; `born` and the time it is due are wall time."""

    id: int
    carrier: str
    account: str
    headers: dict[str, str]
    body: bytes
    born: float
    tries: int


class Transaction:
    """What the block in `with books.transaction()` did is undone at its end when `keep` was set to False."""

    def __init__(self) -> None:
        self.keep = True


class Books:
    def __init__(self, path: str | Path = ":memory:") -> None:
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=FULL")
        self._db.executescript(_SCHEMA)
        self._rules: list[Rule] | None = None

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Transaction]:
        self._db.execute("BEGIN IMMEDIATE")
        transaction = Transaction()
        try:
            yield transaction
        except BaseException:
            self._undo()
            raise
        if transaction.keep:
            self._db.execute("COMMIT")
        else:
            self._undo()

    def _undo(self) -> None:
        self._db.execute("ROLLBACK")
        self._rules = None

    # --- accounts and their clocks ---

    def know(self, carrier: str, account: str) -> None:
        """Time passes only for accounts that are known."""
        self._db.execute("INSERT OR IGNORE INTO accounts (carrier, account) VALUES (?, ?)", (carrier, account))

    def accounts(self) -> list[tuple[str, str]]:
        return self._db.execute("SELECT carrier, account FROM accounts ORDER BY carrier, account").fetchall()

    def ahead(self, carrier: str, account: str) -> float:
        """How far the account's clock runs ahead of the wall, in seconds."""
        row = self._db.execute("SELECT ahead FROM accounts WHERE carrier = ? AND account = ?", (carrier, account)).fetchone()
        return row[0] if row else 0.0

    def set_ahead(self, carrier: str, account: str, seconds: float) -> None:
        self.know(carrier, account)
        self._db.execute("UPDATE accounts SET ahead = ? WHERE carrier = ? AND account = ?", (seconds, carrier, account))

    # --- consignments ---

    def enter(self, carrier: str, account: str, entry: Entry) -> None:
        """Raises sqlite3.IntegrityError for an AWB the account has already."""
        c = entry.consignment
        row = (carrier, account, c.awb, c.reference, msgspec.json.encode(c), msgspec.json.encode(entry.marks))
        self._db.execute("INSERT INTO consignments (carrier, account, awb, reference, body, marks) VALUES (?, ?, ?, ?, ?, ?)", row)

    def save(self, carrier: str, account: str, entry: Entry) -> None:
        c = entry.consignment
        row = (msgspec.json.encode(c), msgspec.json.encode(entry.marks), carrier, account, c.awb)
        self._db.execute("UPDATE consignments SET body = ?, marks = ? WHERE carrier = ? AND account = ? AND awb = ?", row)

    def entry(self, carrier: str, account: str, awb: str) -> Entry | None:
        sql = "SELECT body, marks FROM consignments WHERE carrier = ? AND account = ? AND awb = ?"
        row = self._db.execute(sql, (carrier, account, awb)).fetchone()
        return Entry(consignment=_CONSIGNMENT.decode(row[0]), marks=_MARKS.decode(row[1])) if row else None

    def by_reference(self, carrier: str, account: str, reference: str) -> list[Consignment]:
        sql = "SELECT body FROM consignments WHERE carrier = ? AND account = ? AND reference = ? ORDER BY id"
        return [_CONSIGNMENT.decode(body) for (body,) in self._db.execute(sql, (carrier, account, reference))]

    def consignments(self, carrier: str = "", account: str = "", reference: str = "") -> Iterator[tuple[str, str, Consignment]]:
        """Every line of the books, or those of a carrier, an account, a reference; in the order of booking within an account."""
        asked = {"carrier": carrier, "account": account, "reference": reference}
        for found, whose, body in self._db.execute(_LINES_OF_REFERENCE if reference else _LINES, asked):
            yield found, whose, _CONSIGNMENT.decode(body)

    # --- plans ---

    def plan(self, carrier: str, account: str, awb: str, at: dt.datetime, step: str, event: Event | None = None) -> None:
        row = (carrier, account, int(at.timestamp()), awb, step, msgspec.json.encode(event))
        self._db.execute("INSERT INTO plans (carrier, account, due, awb, step, event) VALUES (?, ?, ?, ?, ?, ?)", row)

    def next_plan(self, carrier: str, account: str, until: dt.datetime) -> Plan | None:
        sql = "SELECT id, awb, due, step, event FROM plans WHERE carrier = ? AND account = ? AND due <= ? ORDER BY due, id LIMIT 1"
        row = self._db.execute(sql, (carrier, account, int(until.timestamp()))).fetchone()
        return row and Plan(id=row[0], awb=row[1], at=_instant(row[2]), step=row[3], event=_EVENT.decode(row[4]))

    def drop_plan(self, plan: Plan) -> None:
        self._db.execute("DELETE FROM plans WHERE id = ?", (plan.id,))

    def drop_plans(self, carrier: str, account: str, awb: str, *, but: str) -> None:
        """All that is planned for a consignment, except the step `but`."""
        sql = "DELETE FROM plans WHERE carrier = ? AND account = ? AND awb = ? AND step != ?"
        self._db.execute(sql, (carrier, account, awb, but))

    # --- numbers and kept values ---

    def next_number(self, carrier: str, account: str, series: str) -> int:
        sql = """INSERT INTO counters VALUES (?, ?, ?, 1)
                 ON CONFLICT (carrier, account, series) DO UPDATE SET value = value + 1 RETURNING value"""
        number: int = self._db.execute(sql, (carrier, account, series)).fetchone()[0]
        return number

    def keep(self, carrier: str, account: str, key: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?)", (carrier, account, key, msgspec.json.encode(value)))

    def kept(self, carrier: str, account: str, key: str) -> Any:
        sql = "SELECT value FROM kept WHERE carrier = ? AND account = ? AND key = ?"
        row = self._db.execute(sql, (carrier, account, key)).fetchone()
        return msgspec.json.decode(row[0]) if row else None

    def all_kept(self, key: str) -> list[tuple[str, str, Any]]:
        """Who keeps a value under `key`: carrier, account, value."""
        rows = self._db.execute("SELECT carrier, account, value FROM kept WHERE key = ? ORDER BY 1, 2", (key,))
        return [(carrier, account, msgspec.json.decode(value)) for carrier, account, value in rows]

    def kept_below(self, carrier: str, account: str, prefix: str) -> list[Any]:
        """The account's values whose key begins like this."""
        sql = "SELECT value FROM kept WHERE carrier = ? AND account = ? AND substr(key, 1, ?) = ? ORDER BY key"
        return [msgspec.json.decode(value) for (value,) in self._db.execute(sql, (carrier, account, len(prefix), prefix))]

    # --- fault rules (few; held in memory, counted on disk) ---

    def rules(self) -> list[Rule]:
        if self._rules is None:
            rows = self._db.execute("SELECT id, body FROM rules ORDER BY id")
            self._rules = [msgspec.structs.replace(_RULE.decode(body), id=number) for number, body in rows]
        return self._rules

    def add_rule(self, order: RuleOrder) -> Rule:
        body = msgspec.json.encode(Rule(id=0, order=order))
        number = self._db.execute("INSERT INTO rules (body) VALUES (?)", (body,)).lastrowid or 0
        self._rules = None
        return Rule(id=number, order=order)

    def count_rule(self, rule: Rule) -> None:
        self._db.execute("UPDATE rules SET body = ? WHERE id = ?", (msgspec.json.encode(rule), rule.id))
        self._rules = [rule if one.id == rule.id else one for one in self.rules()]

    def drop_rules(self, carrier: str = "", number: int | None = None) -> int:
        """How many rules were dropped: one by its id, a carrier's, or all."""
        doomed = [r for r in self.rules() if carrier in ("", r.order.carrier) and number in (None, r.id)]
        self._db.executemany("DELETE FROM rules WHERE id = ?", [(rule.id,) for rule in doomed])
        self._rules = None
        return len(doomed)

    # --- pushes ---

    def queue(self, carrier: str, account: str, awb: str, headers: dict[str, str], body: bytes, at: float) -> None:
        row = (carrier, account, awb, msgspec.json.encode(headers), body, at, at)
        self._db.execute("INSERT INTO pushes (carrier, account, awb, headers, body, born, due) VALUES (?, ?, ?, ?, ?, ?, ?)", row)

    def due_pushes(self, at: float, limit: int) -> list[Sending]:
        """The oldest undelivered push of each consignment, if its time has come."""
        return [
            Sending(id=i, carrier=c, account=a, headers=msgspec.json.decode(h, type=dict[str, str]), body=b, born=born, tries=n)
            for i, c, a, h, b, born, n in self._db.execute(_DUE_PUSHES, (at, limit))
        ]

    def delivered(self, push: Sending) -> None:
        self._db.execute("DELETE FROM pushes WHERE id = ?", (push.id,))

    def postpone(self, push: Sending, due: float) -> None:
        self._db.execute("UPDATE pushes SET tries = tries + 1, due = ? WHERE id = ?", (due, push.id))

    def pending(self, carrier: str, account: str) -> int:
        sql = "SELECT count(*) FROM pushes WHERE carrier = ? AND account = ?"
        count: int = self._db.execute(sql, (carrier, account)).fetchone()[0]
        return count


_CONSIGNMENT = msgspec.json.Decoder(Consignment)
_MARKS = msgspec.json.Decoder(Marks)
_EVENT = msgspec.json.Decoder(Event | None)
_RULE = msgspec.json.Decoder(Rule)


def _instant(seconds: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(seconds, dt.UTC)
