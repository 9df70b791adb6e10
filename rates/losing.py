"""Why an offer was not chosen, in words with figures: what it would have cost more, and of what that is made.

INDEX falls into three parts that add up: price and waiting if collected, failed visits on the way there, leaving the present
carrier. The difference to the chosen one is told part by part.
"""

from __future__ import annotations

from rates.decisions import Decision, Override, Row
from rates.wording import about, amount, percent


def why_lost(decision: Decision, row: Row) -> str:
    """Why this row was not chosen; "" for the chosen one."""
    chosen = decision.chosen
    if row == chosen:
        return ""
    if chosen is None:
        return (
            f"comes to {about(row.index, decision.policy.currency)} per collected return: "
            f"from {amount(decision.limit, decision.policy.currency)} on a person takes over."
        )
    if decision.override is Override.PINNED:
        return f"another carrier is pinned; {_beside(decision, row, chosen)}"
    if not row.reliable and chosen.reliable:
        return f"below your floor of {percent(decision.policy.floor or 0)}; {_beside(decision, row, chosen)}"
    if row.preference != chosen.preference:
        return f"stands behind in your preferred order; {_beside(decision, row, chosen)}"
    if decision.explored and row.index < chosen.index:
        return f"the dice of your shuffle fell otherwise; {_beside(decision, row, chosen)}"
    return _beside(decision, row, chosen)


def _beside(decision: Decision, row: Row, chosen: Row) -> str:
    """The difference per collected return, and what it is made of."""
    currency, more = decision.policy.currency, row.index - chosen.index
    whole = f"comes to {about(row.index, currency)} per collected return, {_signed(more, currency, 'more', 'less')}"
    parts = [
        ("price and waiting", row.cost_if_collected - chosen.cost_if_collected, ""),
        ("failed visits", _failing(row) - _failing(chosen), f" (collects {percent(row.p)}, not {percent(chosen.p)})"),
        ("changing carrier", row.failover / row.p - chosen.failover / chosen.p, ""),
    ]
    told = [f"{name} {_signed(part, currency, 'more', 'less')}{note}" for name, part, note in parts if round(part)]
    return f"{whole}: {', '.join(told)}." if told else f"{whole}."


def _failing(row: Row) -> float:
    """What failed visits cost on the way to a collected one."""
    return (1 - row.p) / row.p * row.cost_if_failed


def _signed(minor: float, currency: str, more: str, less: str) -> str:
    """As "Rs 3.20 more": to the minor unit, so that the parts can be added up."""
    return f"{amount(abs(round(minor)), currency)} {more if minor >= 0 else less}"
