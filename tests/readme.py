"""The parts of README.md that are drawn from the code: `python -m tests.readme` writes them, a test keeps them equal."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.life.booking import STEPS

README = Path(__file__).parent.parent / "README.md"


def booking_life() -> str:
    """The booking's table as a Mermaid diagram."""
    edges = [f"    {state} --> {target}: {event}" for (state, event), target in STEPS.items()]
    return "\n".join(["```mermaid", "stateDiagram-v2", "    [*] --> planned", *edges, "```"])


def with_block(text: str, name: str, body: str) -> str:
    """`text` with `body` between the markers of that name. Raises ValueError where they are missing."""
    pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"no <!-- {name} --> block")
    return pattern.sub(lambda found: f"{found[1]}{body}\n{found[2]}", text)


def block(text: str, name: str) -> str:
    """What stands between the markers."""
    found = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", text, re.DOTALL)
    if not found:
        raise ValueError(f"no <!-- {name} --> block")
    return found[1]


def main() -> None:
    README.write_text(with_block(README.read_text(), "booking-life", booking_life()))


if __name__ == "__main__":
    main()
