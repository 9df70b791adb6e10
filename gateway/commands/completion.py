"""`gateway completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import rich_click as click
from click.shell_completion import ShellComplete, get_completion_class

_SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.pass_context
@click.argument("shell", type=click.Choice(_SHELLS))
def completion(context: click.Context, shell: str) -> None:
    """Print the script that has a shell complete commands and options.

    \b
    eval "$(gateway completion bash)"            # in ~/.bashrc
    eval "$(gateway completion zsh)"             # in ~/.zshrc
    gateway completion fish >~/.config/fish/completions/gateway.fish
    """
    kind = get_completion_class(shell) or ShellComplete
    root = context.find_root().command
    click.echo(kind(root, {}, "gateway", "_GATEWAY_COMPLETE").source())
