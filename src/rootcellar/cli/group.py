"""The group: imports a command's module when that command is asked for, and turns every error into one paragraph."""

import errno
import logging
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click

from rootcellar.cli.failure import INTERRUPTED, message_of, remember_secret, secrets_in, status_of
from rootcellar.errors import did_you_mean
from rootcellar.specialist.secrets import blot_out

_SILENCE = logging.NullHandler()


class CellarGroup(click.Group):
    """A group whose commands lie in modules of their own, each under its own name."""

    def __init__(self, *args: Any, commands_in: Mapping[str, str], **kwargs: Any) -> None:
        """``commands_in``: command → the module that holds it, as an attribute of the command's name."""
        super().__init__(*args, **kwargs)
        self._modules = commands_in

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the commands' names."""
        return sorted({*super().list_commands(ctx), *self._modules})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command, importing its module."""
        if cmd_name in self._modules:
            command: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name)
            return command
        return super().get_command(ctx, cmd_name)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take the command line apart; the URLs in it are kept in mind, for no error may repeat their passwords."""
        for word in args:
            if "://" in word:
                remember_secret(ctx, word)
                remember_secret(ctx, repr(word)[1:-1])
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that ``args`` start with; a misspelt one is answered with the nearest."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as exc:
            near = did_you_mean(args[0], self.list_commands(ctx)) if args else ""
            if not near or "did you mean" in exc.format_message().lower():  # newer clicks say so themselves
                raise
            raise click.UsageError(exc.format_message() + near, exc.ctx) from None

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Whatever it raises ends here, in one paragraph on stderr and an exit status."""
        # Celery and drivers log what they then raise, with tracebacks and addresses; without a handler Python would
        # print that.
        logging.getLogger().addHandler(_SILENCE)
        try:
            return super().invoke(ctx)
        except click.ClickException as exc:
            # Its attribute is final to type checkers.
            vars(exc)["message"] = blot_out(exc.message, secrets_in(ctx), any_url=False)
            raise
        except (click.exceptions.Exit, click.Abort):
            raise
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            raise click.exceptions.Exit(INTERRUPTED) from None
        except Exception as exc:
            if isinstance(exc, OSError) and exc.errno == errno.EPIPE:
                raise  # `| head`: click ends quietly
            click.echo(f"Error: {message_of(exc, secrets_in(ctx))}", err=True)
            raise click.exceptions.Exit(status_of(exc)) from None
