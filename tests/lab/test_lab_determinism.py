"""Same seed, same calls, same clock moves: same books, in whatever order the accounts are used."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence

import httpx
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.lab import dice
from adapters.lab.engine import Lab
from tests.lab.swiftline import a_lab, a_rule, ask, client, days_pass

Step = tuple[str, object, object]
Scripts = Mapping[str, Sequence[Step]]

ACCOUNTS = ("lab_a", "lab_b", "lab_c")

a_step = st.one_of(
    st.tuples(st.just("book"), st.sampled_from(("560001", "110001", "700001")), st.booleans()),
    st.tuples(st.just("pass"), st.floats(0.05, 3), st.just(None)),
    st.tuples(st.just("again"), st.integers(1, 4), st.just(None)),
    st.tuples(st.just("price"), st.just(None), st.just(None)),
)
scripts = st.fixed_dictionaries({account: st.lists(a_step, max_size=7) for account in ACCOUNTS})


def play(lab: Lab, account: str, step: Step) -> None:
    what, first, second = step
    http = client(lab, account)
    match what:
        case "book":
            http.post("/book", json={"reference": "r", "origin": first, "qc": second})
        case "pass":
            days_pass(lab, float(str(first)), account)
        case "again" if len(list(lab.books.consignments("swiftline", account))) >= int(str(first)):
            http.post(f"/again/SW{first:06d}")
        case _:
            http.get("/price?from=1&to=2")


def books(seed: int, scripts: Scripts, turns: list[str]) -> object:
    """The books after every account has played its script, taken up in the order of `turns`."""
    lab = a_lab(seed=seed)
    a_rule(lab, "scans_twice", probability=0.5)
    a_rule(lab, "drop_before_commit", operation="quote", probability=0.5)
    a_rule(lab, "silent", account="lab_b", after=1, times=1)
    left = {account: list(script) for account, script in scripts.items()}
    for account in [*turns, *(a for a in ACCOUNTS for _ in range(7))]:
        if left[account]:
            with contextlib.suppress(httpx.RemoteProtocolError):
                play(lab, account, left[account].pop(0))
    found = ask(lab, "GET", "books")
    lab.close()
    return found


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 9),
    scripts=scripts,
    turns=st.lists(st.sampled_from(ACCOUNTS), max_size=20),
    other_turns=st.lists(st.sampled_from(ACCOUNTS), max_size=20),
)
def test_the_books_do_not_depend_on_the_order_in_which_accounts_are_used(seed, scripts, turns, other_turns):
    assert books(seed, scripts, turns) == books(seed, scripts, other_turns)


def test_another_seed_writes_other_books():
    script: Scripts = {"lab_a": [("book", "560001", False)] * 6 + [("pass", 14, None)], "lab_b": [], "lab_c": []}
    assert books(1, script, []) != books(2, script, [])


@given(seed=st.integers(), salt=st.lists(st.text(), max_size=4))
def test_dice_lie_between_zero_and_one_and_fall_the_same_for_the_same_salt(seed: int, salt: list[str]):
    assert 0 <= dice.roll(seed, *salt) < 1
    assert dice.roll(seed, *salt) == dice.roll(seed, *salt)


def test_dice_are_fair_enough():
    rolls = [dice.roll(1, str(n)) for n in range(2000)]
    assert [180 < sum(i / 10 <= r < (i + 1) / 10 for r in rolls) < 220 or i for i in range(10)].count(True) >= 7


def test_a_side_rolls_the_same_dice_for_the_same_account():
    lucks = [client(a_lab(), account).post(f"/sign-in?user={account}").json()["luck"] for account in ("lab_a", "lab_a", "lab_b")]
    assert (lucks[0] == lucks[1], lucks[0] == lucks[2]) == (True, False)
