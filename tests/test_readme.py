"""README.md says what the code does."""

from tests.readme import README, block, booking_life


def test_the_diagram_is_drawn_from_the_table():
    assert block(README.read_text(), "booking-life") == booking_life()


def test_the_two_commands_are_named():
    assert all(command in README.read_text() for command in ("make run", "make test"))
