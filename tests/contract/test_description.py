"""The description of each carrier: what it says of itself holds together, and the READMEs say the same."""

from __future__ import annotations

import re

import msgspec
import pytest

from adapters.contract.carrier import OPERATIONS, Act, Operation
from adapters.contract.errors import RefusalKind
from adapters.lab.engine import load_sides
from gateway.carriers import registry
from tests.contract import examples
from tests.contract.capabilities import ROOT, readmes, shown, table
from tests.contract.stage import ASKED

CODES = registry.codes()
EVERY = pytest.mark.parametrize("code", CODES)


def operation(code: str, name: str) -> Operation[object, object]:
    found = registry.carrier(code).operation(name)
    assert found
    return found


@EVERY
def test_a_carrier_is_registered_under_its_code(code):
    assert registry.carrier(code).code == code
    assert re.fullmatch(r"[a-z][a-z0-9_]*", code)


def test_the_lab_has_the_same_carriers_as_the_gateway():
    simulated = {code for code, side in load_sides().items() if side.carrier == code}
    assert simulated == set(CODES)


@EVERY
def test_the_live_address_is_https(code):
    carrier = registry.carrier(code)
    assert {url.partition("://")[0] for url in (carrier.live_url, carrier.test_url) if url} == {"https"}


@EVERY
def test_what_is_named_in_a_description_is_there(code):
    carrier = registry.carrier(code)
    able = {name for name in OPERATIONS if carrier.operation(name)}
    assert set(carrier.offers_from) <= able
    assert set(carrier.limits.quotas) <= able


@EVERY
def test_every_account_field_has_one_name_and_its_help(code):
    fields = registry.carrier(code).fields
    assert len({field.name for field in fields}) == len(fields)
    assert all(field.help for field in fields)


@EVERY
def test_services_have_codes_of_their_own(code):
    codes = [service.code for service in registry.carrier(code).services]
    assert codes
    assert len(set(codes)) == len(codes)


@EVERY
def test_the_gateways_reference_fits_into_the_carriers_field(code):
    from gateway.ids import carrier_reference, new

    assert len(carrier_reference(new("bkg"))) <= registry.carrier(code).limits.reference_length


@pytest.mark.parametrize(("code", "name"), ASKED)
def test_only_a_booking_or_an_act_commits(code, name):
    commits = [step.commits for step in operation(code, name).steps]
    assert name == "book" or name in [*Act] or not any(commits)


@EVERY
def test_a_booking_ends_in_a_step_that_commits_and_is_never_just_repeated(code):
    book = operation(code, "book")
    assert book.steps[-1].commits
    assert not book.repeatable


@pytest.mark.parametrize(("code", "name"), ASKED)
def test_an_operation_has_a_time_limit(code, name):
    assert 0 < operation(code, name).timeout <= 180


@pytest.mark.parametrize(("code", "name"), ASKED)
def test_steps_of_one_operation_have_names_of_their_own(code, name):
    names = [step.name for step in operation(code, name).steps]
    assert len(set(names)) == len(names)
    assert len(names) == 1 or all(names)


@EVERY
def test_whoever_takes_acts_says_when(code):
    carrier = registry.carrier(code)
    takes = any(carrier.operation(act) for act in Act)
    assert takes == (carrier.act_from is not None)


@EVERY
def test_a_lost_booking_can_be_found_out(code):
    """By asking, by a list, by a push, or because the carrier refuses a second one."""
    carrier = registry.carrier(code)
    assert carrier.find or carrier.list_of_day or carrier.read_callback or carrier.dedupes_by


def test_there_is_a_question_for_every_operation():
    assert set(examples.QUESTIONS) == set(OPERATIONS)


def test_exceptions_are_made_for_carriers_that_are_there():
    named = [*examples.SETTINGS, *examples.IN_ADDRESSES, *examples.ONE_CALL, *examples.FOR_CHECKS]
    named += [code for code, _ in (*examples.REFUSED_IN_THE_LAB, *examples.FOR_ALL_STEPS)]
    assert set(named) <= set(CODES)
    assert all(examples.REFUSED_IN_THE_LAB.values())


# --- READMEs --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", readmes(), ids=lambda path: str(path.relative_to(ROOT)))
def test_the_table_of_capabilities_is_the_codes(path):
    assert shown(path) == readmes()[path]


def test_what_a_carrier_cannot_do_is_seen_in_the_table():
    carrier = registry.carrier(CODES[0])
    mute = msgspec.structs.replace(carrier, cancel=None)
    assert "| cancel | ✓ | — |" in table([carrier, mute])


@EVERY
def test_every_adapter_has_its_readme_with_sources_and_checklist(code):
    text = (ROOT / "adapters" / code / "README.md").read_text()
    assert {heading for heading in ("## Sources", "## Checklist") if heading not in text} == set()
    assert {word for word in ("done", "todo", "exempt") if word not in text.partition("## Checklist")[2]} == set()


def test_the_guide_for_new_carriers_names_every_kind_of_refusal_and_every_operation():
    guide = (ROOT / "adapters" / "README.md").read_text()
    assert [name for name in (*OPERATIONS, *RefusalKind) if f"`{name}`" not in guide] == []
