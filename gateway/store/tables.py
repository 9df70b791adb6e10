"""The tables. Every row belongs to a merchant and a mode; instants are UTC; nothing here is personal but `people`.

`bookings` holds the promise in two unique indexes: one carrier reference once, and at most one open booking per
pickup unless an overlap is recorded.
"""

from __future__ import annotations

import datetime as dt
from typing import Any

import msgspec
import sqlalchemy as sa

from gateway.life.booking import OPEN
from gateway.store.transactions import Writing
from rates.scorecards import Sums

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
    }
)


class Instant(sa.TypeDecorator[dt.datetime]):
    """An aware UTC time. SQLite drops zones, so it is bound and read back as UTC explicitly."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        return value.astimezone(dt.UTC).replace(tzinfo=None if dialect.name == "sqlite" else dt.UTC) if value else None

    def process_result_value(self, value: dt.datetime | None, dialect: sa.Dialect) -> dt.datetime | None:
        if value is None:
            return None
        return value.astimezone(dt.UTC) if value.tzinfo else value.replace(tzinfo=dt.UTC)


class Json(sa.TypeDecorator[Any]):
    """A value as JSON text, written and read by msgspec; reading gives builtins, the store's modules give them their type."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: sa.Dialect) -> str | None:
        return None if value is None else msgspec.json.encode(value).decode()

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> Any:
        return None if value is None else msgspec.json.decode(value)


def _id(*, primary: bool = True) -> sa.Column[str]:
    return sa.Column("id", sa.String(40), primary_key=primary)


def _owner() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), nullable=False),
        sa.Column("mode", sa.String(4), nullable=False),
    )


def _text(name: str, default: str = "", **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default, **more)


def _searched(length: int) -> sa.types.TypeEngine[str]:
    """Text that is looked up by its beginning: compared byte by byte on PostgreSQL as on SQLite, so that an index serves."""
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


merchants = sa.Table(
    "merchants",
    metadata,
    _id(),
    _text("name"),
    sa.Column("currency", sa.String(3), nullable=False),
    sa.Column("country", sa.String(2), nullable=False),
    sa.Column("clock_offset", sa.BigInteger, nullable=False, server_default="0"),  # seconds, test mode only
    sa.Column("retention_days", sa.Integer),  # None: as the installation has it
    sa.Column("created_at", Instant, nullable=False),
)
sa.Index("uq_merchants_name", merchants.c.name, unique=True)

# Keys of the installation itself, not of a merchant: they make merchants and read the installation's own audit log.
admin_keys = sa.Table(
    "admin_keys",
    metadata,
    _id(),
    _text("name"),
    sa.Column("digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("hint", sa.String(8), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("last_used_at", Instant),
    sa.Column("revoked_at", Instant),
)

api_keys = sa.Table(
    "api_keys",
    metadata,
    _id(),
    *_owner(),
    _text("name"),
    sa.Column("digest", sa.LargeBinary(32), nullable=False),
    sa.Column("hint", sa.String(8), nullable=False),
    sa.Column("scopes", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant),
    sa.Column("last_used_at", Instant),
    sa.Column("revoked_at", Instant),
)

carrier_accounts = sa.Table(
    "carrier_accounts",
    metadata,
    _id(),
    *_owner(),
    sa.Column("carrier", sa.String(40), nullable=False),
    _text("name"),
    _text("base_url"),
    sa.Column("settings", Json, nullable=False),
    sa.Column("secrets", sa.LargeBinary, nullable=False),
    sa.Column("callback_digest", sa.LargeBinary(32), nullable=False, unique=True),
    sa.Column("services", Json, nullable=False),  # [] = all the carrier has
    sa.Column("enabled", sa.Boolean, nullable=False, server_default=sa.true()),
    _text("disabled_reason"),
    sa.Column("reconciled_on", sa.Date),  # business: held against the carrier's own list
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)
sa.Index("ix_carrier_accounts_owner", carrier_accounts.c.merchant_id, carrier_accounts.c.mode)

rate_cards = sa.Table(
    "rate_cards",
    metadata,
    _id(),
    *_owner(),
    sa.Column("carrier", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("body", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

locations = sa.Table(
    "locations",
    metadata,
    _id(),
    *_owner(),
    _text("name"),
    sa.Column("party", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)

policies = sa.Table(
    "policies",
    metadata,
    _id(),
    *_owner(),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("body", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.UniqueConstraint("merchant_id", "mode", "version"),
)

pickups = sa.Table(
    "pickups",
    metadata,
    _id(),
    *_owner(),
    sa.Column("kind", sa.String(8), nullable=False, server_default="reverse"),
    sa.Column("reference", _searched(120), nullable=False),
    sa.Column("order_number", _searched(120), nullable=False, server_default=""),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("intent", sa.String(8), nullable=False, server_default="collect"),
    sa.Column("handed_over", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("ended", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("body", Json, nullable=False),  # the request without people
    sa.Column("parent", sa.String(40)),
    sa.Column("lane", sa.String(40), nullable=False),
    sa.Column("decision_id", sa.String(40)),
    sa.Column("next_action", Json),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),  # of choosing in vain
    sa.Column("retry_at", Instant),  # wall: not to choose before
    sa.Column("wake_at", Instant),  # business time
    sa.Column("wake_wall", Instant),  # wall time: leases, retries
    sa.Column("lease_until", Instant),  # wall: one driver at a time
    sa.Column("lease_owner", sa.String(40)),
    sa.Column("sequence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("business_created_at", Instant, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("erased_at", Instant),  # since then nothing personal stands here
)
sa.Index("ix_pickups_owner", pickups.c.merchant_id, pickups.c.mode, pickups.c.id)
sa.Index("ix_pickups_created", pickups.c.merchant_id, pickups.c.mode, pickups.c.created_at, pickups.c.id)
sa.Index("ix_pickups_updated", pickups.c.merchant_id, pickups.c.mode, pickups.c.updated_at, pickups.c.id)
sa.Index("ix_pickups_state", pickups.c.merchant_id, pickups.c.mode, pickups.c.state, pickups.c.created_at, pickups.c.id)
sa.Index("ix_pickups_reference", pickups.c.merchant_id, pickups.c.mode, pickups.c.reference)
sa.Index("ix_pickups_order_number", pickups.c.merchant_id, pickups.c.mode, pickups.c.order_number)
sa.Index(
    "uq_pickups_open_reference",
    pickups.c.merchant_id,
    pickups.c.mode,
    pickups.c.kind,
    pickups.c.reference,
    unique=True,
    sqlite_where=pickups.c.ended.is_(False),
    postgresql_where=pickups.c.ended.is_(False),
)
sa.Index("ix_pickups_wake_at", pickups.c.wake_at)
sa.Index("ix_pickups_wake_wall", pickups.c.wake_wall)
_going = pickups.c.ended.is_(False)
_kept = pickups.c.ended.is_(True) & pickups.c.erased_at.is_(None)
sa.Index("ix_pickups_open", pickups.c.state, pickups.c.mode, sqlite_where=_going, postgresql_where=_going)
sa.Index("ix_pickups_retention", pickups.c.updated_at, sqlite_where=_kept, postgresql_where=_kept)

people = sa.Table(
    "people",
    metadata,
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), primary_key=True),
    sa.Column("shipper", Json, nullable=False),
    sa.Column("consignee", Json, nullable=False),
)

bookings = sa.Table(
    "bookings",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("account_id", sa.String(40), sa.ForeignKey("carrier_accounts.id"), nullable=False),
    sa.Column("decision_id", sa.String(40)),
    sa.Column("carrier", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("moved_by", sa.String(40), nullable=False),
    sa.Column("carrier_reference", sa.String(60), nullable=False, unique=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("overlap", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("avoid", sa.Boolean, nullable=False, server_default=sa.false()),  # not this carrier again for this pickup
    sa.Column("due_if_not_collected", Json),
    sa.Column("step", sa.Integer, nullable=False, server_default="0"),
    sa.Column("so_far", Json, nullable=False),
    sa.Column("handles", Json, nullable=False),
    sa.Column("awb", _searched(60)),
    _text("pickup_token"),
    _text("tracking_url"),
    sa.Column("price", Json),  # as booked; until then as quoted
    sa.Column("quoted_price", Json),
    sa.Column("audit", Json),
    sa.Column("window", Json),
    sa.Column("retry_at", Instant),  # wall
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("lookups", sa.Integer, nullable=False, server_default="0"),
    sa.Column("refusal", Json),
    sa.Column("sent_at", Instant),
    sa.Column("promised_at", Instant),  # business: until when something must have happened
    sa.Column("poll_at", Instant),  # business
    sa.Column("quiet_polls", sa.Integer, nullable=False, server_default="0"),
    sa.Column("booked_at", Instant),  # business
    sa.Column("cancelled_at", Instant),  # business: since when the ledger calls it so, where it has an AWB
    sa.Column("cancel_wait_until", Instant),  # business: an answer to its cancel was lost, and is waited for until then
    sa.Column("quote_expires_at", Instant),  # business: the offer it was chosen by holds until then
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)
_open = bookings.c.state.in_(sorted(OPEN)) & bookings.c.overlap.is_(False)
sa.Index("uq_bookings_one_open", bookings.c.pickup_id, unique=True, sqlite_where=_open, postgresql_where=_open)
sa.Index("ix_bookings_awb", bookings.c.account_id, bookings.c.awb)
sa.Index("ix_bookings_owner_awb", bookings.c.merchant_id, bookings.c.mode, bookings.c.awb)
sa.Index("ix_bookings_carrier_awb", bookings.c.carrier, bookings.c.awb)
sa.Index("ix_bookings_poll_at", bookings.c.poll_at)
sa.Index("ix_bookings_volume", bookings.c.merchant_id, bookings.c.mode, bookings.c.carrier, bookings.c.id)
_doubtful = bookings.c.state.in_(("unknown", "cancel_unknown"))
sa.Index("ix_bookings_doubt", bookings.c.state, bookings.c.mode, sqlite_where=_doubtful, postgresql_where=_doubtful)

instructions = sa.Table(
    "instructions",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), nullable=False),
    sa.Column("act", sa.String(16), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),  # planned, sending, confirmed, refused, dropped
    sa.Column("day", sa.Date),
    _text("note"),
    sa.Column("send_at", Instant, nullable=False),  # business
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("step", sa.Integer, nullable=False, server_default="0"),
    sa.Column("so_far", Json, nullable=False),
    _text("answer"),
    sa.Column("created_at", Instant, nullable=False),
)

scans = sa.Table(
    "scans",
    metadata,
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), primary_key=True),
    sa.Column("digest", sa.LargeBinary(16), primary_key=True),
    sa.Column("code", sa.String(80), nullable=False),
    _text("text"),
    _text("place"),
    sa.Column("at", Instant, nullable=False),
    sa.Column("milestone", sa.String(24), nullable=False),
    sa.Column("reason", sa.String(40)),
    sa.Column("source", sa.String(8), nullable=False),  # push, poll
    sa.Column("received_at", Instant, nullable=False),
)

visits = sa.Table(
    "visits",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),  # within the booking
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("outcome", sa.String(12), nullable=False),  # out, collected, failed
    sa.Column("reason", sa.String(40)),
    sa.Column("fault", sa.String(12)),
    sa.Column("disputed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("confirmed", sa.Boolean, nullable=False, server_default=sa.false()),  # it was as the carrier says
    sa.Column("ended_at", Instant),
    sa.Column("scored", Json),  # what went into the estimates, to take it back
    sa.UniqueConstraint("booking_id", "day"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("body", Json, nullable=False),
    sa.Column("created_at", Instant, nullable=False),
)

exceptions = sa.Table(
    "exceptions",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), index=True),  # none: an AWB that is of no pickup
    sa.Column("booking_id", sa.String(40)),
    sa.Column("visit_id", sa.String(40)),
    sa.Column("account_id", sa.String(40)),  # of an orphan, which has no booking
    sa.Column("awb", sa.String(60)),
    sa.Column("reason", sa.String(40), nullable=False),
    sa.Column("fault", sa.String(12), nullable=False),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("action", sa.String(40)),  # what automation tried
    sa.Column("step", Json),  # what was decided; null: not yet
    _text("answer"),  # of the customer or merchant
    sa.Column("answer_day", sa.Date),
    sa.Column("answer_by", Instant),  # business
    _text("detail"),
    _text("raw_code"),
    _text("exchange_id"),
    _text("assignee"),
    _text("note"),
    _text("resolution"),
    sa.Column("version", sa.Integer, nullable=False, server_default="0"),
    sa.Column("opened_at", Instant, nullable=False),
    sa.Column("resolved_at", Instant),
)
sa.Index("uq_exceptions_orphan", exceptions.c.account_id, exceptions.c.awb, unique=True)
sa.Index("ix_exceptions_opened", exceptions.c.merchant_id, exceptions.c.mode, exceptions.c.opened_at, exceptions.c.id)
_unsolved = exceptions.c.state != "resolved"
sa.Index("ix_exceptions_open", exceptions.c.reason, exceptions.c.mode, sqlite_where=_unsolved, postgresql_where=_unsolved)
sa.Index("ix_exceptions_owner", exceptions.c.merchant_id, exceptions.c.mode, exceptions.c.state, exceptions.c.id)

events = sa.Table(
    "events",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id")),  # none: it is about an account
    sa.Column("sequence", sa.Integer, nullable=False),  # within the pickup; 0 without one
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("data", Json, nullable=False),
    sa.Column("at", Instant, nullable=False),  # business
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("place", sa.BigInteger),  # in the feed; null: not told yet (store/feed.py)
    sa.Column("feed", sa.BigInteger, nullable=False, server_default=Writing()),  # the place for versions before 0007
    sa.Column("told", sa.Boolean, nullable=False, server_default=sa.false()),  # its webhook deliveries are made
    sa.UniqueConstraint("pickup_id", "sequence"),
)
_untold = events.c.told.is_(False)
sa.Index("ix_events_untold", events.c.id, sqlite_where=_untold, postgresql_where=_untold)
_placed, _unplaced = events.c.place.is_not(None), events.c.place.is_(None)
_in_the_feed = (events.c.merchant_id, events.c.mode, events.c.place, events.c.sequence, events.c.id)
sa.Index("ix_events_place", *_in_the_feed, sqlite_where=_placed, postgresql_where=_placed)
sa.Index("ix_events_unplaced", events.c.id, sqlite_where=_unplaced, postgresql_where=_unplaced)

# One row: the last place given. Who holds it gives the next one.
feed_head = sa.Table("feed_head", metadata, sa.Column("last", sa.BigInteger, nullable=False))

labels = sa.Table(
    "labels",
    metadata,
    _id(),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), nullable=False),
    sa.Column("format", sa.String(4), nullable=False),
    sa.Column("source", sa.String(8), nullable=False),  # carrier, ours
    sa.Column("digest", sa.LargeBinary(32), nullable=False),  # SHA-256 of the content
    sa.Column("content", sa.LargeBinary, nullable=False),
    sa.Column("slip", Json),  # of ours: what it says, to draw it in another format
    sa.Column("created_at", Instant, nullable=False),
)
sa.Index("uq_labels_content", labels.c.booking_id, labels.c.digest, unique=True)

# A carrier's label in another format, or why there is none; it goes with its label.
label_copies = sa.Table(
    "label_copies",
    metadata,
    sa.Column("label_id", sa.String(40), sa.ForeignKey("labels.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("recipe", sa.String(16), primary_key=True),
    *_owner(),
    sa.Column("digest", sa.LargeBinary(32)),
    sa.Column("content", sa.LargeBinary),
    sa.Column("why", sa.String(24)),
    sa.Column("created_at", Instant, nullable=False),
)

bars = sa.Table(
    "bars",
    metadata,
    sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("moved_by", sa.String(40), primary_key=True),
    sa.Column("postal_code", sa.String(16), primary_key=True),
    sa.Column("until", Instant, nullable=False),  # business
)

cells = sa.Table(
    "cells",
    metadata,
    sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("key", sa.String(120), primary_key=True),
    _text("successes", "0"),  # integers beyond 64 bits
    _text("exposure", "0"),
)

exchanges = sa.Table(
    "exchanges",
    metadata,
    _id(),
    *_owner(),
    sa.Column("account_id", sa.String(40), nullable=False),
    sa.Column("pickup_id", sa.String(40), index=True),
    sa.Column("booking_id", sa.String(40)),
    sa.Column("operation", sa.String(24), nullable=False),
    _text("request"),
    _text("response"),
    sa.Column("status", sa.Integer),
    sa.Column("milliseconds", sa.Integer, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("route", sa.String(120), primary_key=True),
    sa.Column("key", sa.String(255), primary_key=True),
    sa.Column("body_digest", sa.LargeBinary(32), nullable=False),
    sa.Column("status", sa.Integer),  # None: in flight
    sa.Column("headers", Json),
    sa.Column("answer", sa.LargeBinary),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("expires_at", Instant, nullable=False),
)

outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
    sa.Column("job", sa.String(24), nullable=False),
    sa.Column("subject", sa.String(40), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("queued_at", Instant),
    sqlite_autoincrement=True,
)
sa.Index("ix_outbox_queued_at", outbox.c.queued_at)

# --- what was learnt, and what the scorecards add up ------------------------------------------------

silences = sa.Table(
    "silences",
    metadata,
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),  # the promised day nothing was heard of
    *_owner(),
    sa.Column("scored", Json, nullable=False),
)

pool_members = sa.Table(
    "pool_members",
    metadata,
    sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
)

MEASURES = Sums.__struct_fields__  # what a booking came to, each a number that can be added up


def _measures() -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger, nullable=False, server_default="0") for name in MEASURES]


facts = sa.Table(
    "facts",
    metadata,
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("bookings.id"), primary_key=True),
    *_owner(),
    sa.Column("pickup_id", sa.String(40), sa.ForeignKey("pickups.id"), nullable=False, index=True),
    sa.Column("day", sa.Date, nullable=False),  # booked
    sa.Column("week", sa.Date, nullable=False),  # its Monday; read by nobody since version 0010
    sa.Column("weekday", sa.Integer, nullable=False),  # 1 is Monday
    sa.Column("account_id", sa.String(40), nullable=False),
    sa.Column("carrier", sa.String(40), nullable=False),
    sa.Column("moved_by", sa.String(40), nullable=False),
    sa.Column("service", sa.String(40), nullable=False),
    sa.Column("zone", sa.String(24), nullable=False),
    sa.Column("postal_code", sa.String(16), nullable=False),
    sa.Column("destination", sa.String(16), nullable=False),
    sa.Column("weight_g", sa.Integer, nullable=False),
    sa.Column("quality_check", sa.Boolean, nullable=False),
    sa.Column("return_reason", sa.String(24), nullable=False),
    sa.Column("chosen_by", sa.String(12), nullable=False),  # rule, pinned, preferred, explored
    sa.Column("booked_at", Instant, nullable=False),
    sa.Column("booked_hour", sa.Integer, nullable=False),  # hours since 1970
    sa.Column("waiting", sa.Boolean, nullable=False),  # neither collected nor over
    sa.Column("hours", sa.Integer, nullable=False),  # booked until collected or over
    sa.Column("chance", sa.Integer, nullable=False),  # forecast for its first visit, in millionths
    sa.Column("given", Json, nullable=False),  # what its decision said
    *_measures(),
    *(sa.Column(name, sa.Date) for name in ("requested_day", "visited_day", "collected_day", "delivered_day")),
    sa.Column("window", sa.String(11), nullable=False, server_default=""),  # 10:00-18:00
)
sa.Index("ix_facts_owner", facts.c.merchant_id, facts.c.mode, facts.c.booking_id)

# Facts of one service side by side, column by column: gateway/store/scores_blocks.py.
_WHOM = ("account_id", "carrier", "moved_by", "service")
fact_blocks = sa.Table(
    "fact_blocks",
    metadata,
    _id(),
    *_owner(),
    *(sa.Column(name, sa.String(40), nullable=False) for name in _WHOM),
    sa.Column("first_day", sa.Date, nullable=False),
    sa.Column("last_day", sa.Date, nullable=False),
    sa.Column("first_booking", sa.String(40), nullable=False),
    sa.Column("last_booking", sa.String(40), nullable=False),
    sa.Column("n", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("bookings", sa.LargeBinary, nullable=False),  # their ids, in the order of the rows
    sa.Index("ix_fact_blocks_owner", "merchant_id", "mode", *_WHOM),
)

# Facts that are in no block, or changed since: they count as their rows say, whatever a block says.
loose_facts = sa.Table(
    "loose_facts",
    metadata,
    sa.Column("merchant_id", sa.String(40), sa.ForeignKey("merchants.id"), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("booking_id", sa.String(40), sa.ForeignKey("facts.booking_id"), primary_key=True),
    sqlite_with_rowid=False,
)

# The audit log: a chain for each merchant and mode, and one ("", "") for the installation. Times and changes are the very texts
# that were hashed.
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("merchant_id", sa.String(40), primary_key=True),
    sa.Column("mode", sa.String(4), primary_key=True),
    sa.Column("entries", sa.Integer, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)

audit_log = sa.Table(
    "audit_log",
    metadata,
    _id(),
    sa.Column("merchant_id", sa.String(40), nullable=False),
    sa.Column("mode", sa.String(4), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("at", sa.String(27), nullable=False),
    sa.Column("actor", sa.String(60), nullable=False),
    sa.Column("action", sa.String(60), nullable=False),
    sa.Column("object_id", sa.String(60), nullable=False),
    sa.Column("request_id", sa.String(80), nullable=False),
    _text("change"),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.UniqueConstraint("merchant_id", "mode", "number"),
)
sa.Index("ix_audit_log_object", audit_log.c.merchant_id, audit_log.c.mode, audit_log.c.object_id)

webhook_endpoints = sa.Table(
    "webhook_endpoints",
    metadata,
    _id(),
    *_owner(),
    _text("url"),
    _text("description"),
    sa.Column("event_types", Json, nullable=False),  # [] = all
    sa.Column("secrets", sa.LargeBinary, nullable=False),
    sa.Column("previous_until", Instant),  # wall: so long the secret before the last rotation signs too
    sa.Column("state", sa.String(8), nullable=False),
    _text("reason"),
    sa.Column("failing_since", Instant),
    sa.Column("streak", sa.Integer, nullable=False, server_default="0"),
    sa.Column("slow", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("hold_until", Instant),  # wall, as are the next three
    sa.Column("due_at", Instant),
    sa.Column("lease_until", Instant),
    sa.Column("lease_owner", sa.String(40)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
)
sa.Index("ix_webhook_endpoints_owner", webhook_endpoints.c.merchant_id, webhook_endpoints.c.mode, webhook_endpoints.c.id)
sa.Index("ix_webhook_endpoints_due", webhook_endpoints.c.state, webhook_endpoints.c.due_at)

webhook_deliveries = sa.Table(
    "webhook_deliveries",
    metadata,
    _id(),
    *_owner(),
    sa.Column("endpoint_id", sa.String(40), sa.ForeignKey("webhook_endpoints.id"), nullable=False),
    sa.Column("event_id", sa.String(40), sa.ForeignKey("events.id")),  # none: a ping
    sa.Column("type", sa.String(40), nullable=False),
    sa.Column("state", sa.String(10), nullable=False),  # pending, delivered, failed
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_try_at", Instant),
    sa.Column("attempts", Json, nullable=False),
    sa.Column("replay_of", sa.String(40)),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("ended_at", Instant),
)
sa.Index("ix_webhook_deliveries_log", webhook_deliveries.c.endpoint_id, webhook_deliveries.c.id)
sa.Index(
    "ix_webhook_deliveries_due", webhook_deliveries.c.endpoint_id, webhook_deliveries.c.state, webhook_deliveries.c.next_try_at
)
sa.Index("ix_webhook_deliveries_ended", webhook_deliveries.c.ended_at)
