"""Why a process does not start: one line for the person at the terminal, with the cure. Never a bug."""


class CannotRun(RuntimeError):
    """The text says what is wrong and what to do."""
