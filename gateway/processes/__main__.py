"""`python -m gateway.processes PART`: one part as a child of `gateway serve`, without the command line's imports."""

from __future__ import annotations

import os
import sys

from gateway.processes import parts
from gateway.processes.problems import CannotRun
from gateway.settings import BadSetting, from_environment


def main(name: str) -> int:
    try:
        parts.run(name, from_environment())
    except BadSetting as error:
        print(f"gateway {name}: {error}", file=sys.stderr)
        return os.EX_CONFIG  # starting it again would not help
    except CannotRun as error:
        print(f"gateway {name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
