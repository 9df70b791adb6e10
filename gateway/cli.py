"""The command line. A person's mistake is one line on standard error with its cure and exit code 1 or 2, never a traceback.

Commands are imported when they are called, so that `gateway serve` starts without what `gateway accounts` needs.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.metadata import version

import rich_click as click
from click.exceptions import NoArgsIsHelpError

from gateway.processes.problems import CannotRun
from gateway.settings import BadSetting

# name: module, summary
_COMMANDS: Mapping[str, tuple[str, str]] = {
    "serve": ("processes", "Run everything: API, workers, relay, lab, and a queue server unless REDIS_URL names one."),
    "demo": ("demo", "Show simulated returns from quote to warehouse, in under a minute."),
    "api": ("processes", "Run the HTTP API alone."),
    "work": ("processes", "Run one worker alone."),
    "relay": ("processes", "Run the relay alone: it hands what the ledger wants done to the workers."),
    "lab": ("processes", "Run the simulated carriers alone."),
    "db": ("database", "The database: bring its schema up to date."),
    "merchants": ("merchants", "Merchants: create one, list them."),
    "keys": ("merchants", "API keys: create, list and revoke them, and renew the master key."),
    "accounts": ("accounts", "Carrier accounts: add, list, verify."),
    "reconcile": ("reconcile", "Hold the ledger against carriers' own lists of the last days, now."),
    "erase": ("erase", "Erase people from pickups that have ended."),
    "audit": ("audit", "The audit log: verify it, note its heads, list a part of it."),
    "pickups": ("pickups", "Reverse pickups: list them, show one."),
    "decisions": ("decisions", "Decisions: replay every stored choice."),
    "scores": ("scores", "What was learnt: add it up anew from the ledger, or check it."),
    "what-if": ("whatif", "Try another policy on what was decided."),
    "rate-cards": ("rate_cards", "Rate cards: import, explain and audit them."),
    "exceptions": ("exceptions", "Pickup exceptions: list them, act on one."),
    "quote": ("returns", "Ask every carrier account what a return would cost."),
    "book": ("returns", "Book a file of returns."),
    "track": ("returns", "Ask a carrier where a parcel is."),
    "label": ("returns", "Fetch a pickup's label as PDF, PNG or ZPL."),
    "events": ("returns", "List or follow what happens."),
    "webhooks": ("webhooks", "Webhook endpoints: list them, send messages again."),
    "completion": ("completion", "Have your shell complete commands and options."),
}


class Commands(click.RichGroup):
    """The group of _COMMANDS: a stand-in with its summary for the list, the command itself when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        summary = _COMMANDS.get(cmd_name)
        return click.RichCommand(name=cmd_name, help=summary[1]) if summary else None

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        return name, _load(command.name) if command and command.name else None, rest


def _load(name: str) -> click.Command:
    module = importlib.import_module(f"gateway.commands.{_COMMANDS[name][0]}")
    found: click.Command = getattr(module, name.replace("-", "_"))
    return found


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("pickup-gateway"), message="%(prog)s %(version)s")
def gateway() -> None:
    """A carrier-agnostic shipping and reverse-pickup gateway.

    \b
    gateway demo --serve        see it work
    gateway serve               run it
    gateway COMMAND --help      each with an example

    Settings come from the environment: GATEWAY_PORT, GATEWAY_DATA_DIR, GATEWAY_MASTER_KEY, REDIS_URL, DATABASE_URL.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0, 1 where something could not be done, 2 where it was asked wrongly, 130 after Ctrl-C."""
    try:
        code = gateway.main(arguments, prog_name="gateway", standalone_mode=False)
        sys.stdout.flush()
        return int(code or 0)
    except NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.UsageError as error:
        see = f"; see `{error.ctx.command_path} --help`" if error.ctx else ""
        return _told(error.format_message().rstrip(".") + see, error.exit_code)
    except click.ClickException as error:
        return _told(error.format_message(), error.exit_code)
    except BadSetting as error:
        return _told(str(error), 2)
    except CannotRun as error:
        return _told(str(error), 1)
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # `gateway pickups list | head`
        return 1


def _told(message: str, code: int) -> int:
    print(f"gateway: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
