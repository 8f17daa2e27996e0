"""``weft user``: people and API tokens, straight in the state store: also the way back in when a password is lost."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from weft.cli.options import config_option, settings_of
from weft.errors import InvalidInput

if TYPE_CHECKING:
    from weft.store.state import StateStore, User

ACTOR = "command line"
ROLES = click.Choice(["viewer", "operator", "admin"])
TOKEN_ROLES = click.Choice(["sender", "viewer", "operator", "admin"])


@click.group("user")
def user_command() -> None:
    """Manage people and API tokens.

    Works on the state store itself, beside a running Weft or without one.
    """


@contextmanager
def _state(config_file: Path | None) -> Iterator[StateStore]:
    from weft.store.state import open_state

    state = open_state(settings_of(config_file).store)
    state.start()
    try:
        yield state
    finally:
        state.stop()


def _person(state: StateStore, name: str) -> User:
    user = state.user(name)
    if user is None:
        known = ", ".join(one.username for one in state.users()) or "nobody yet"
        raise InvalidInput(f"there is no person {name!r}", fix=f"Known: {known}.")
    return user


def _new_password(ask: bool) -> tuple[str, bool]:
    """A password typed twice (or read from a pipe), or generated; and whether it was generated."""
    from weft.api.auth.secrets import MINIMUM_PASSWORD, new_password

    if not ask:
        return new_password(), True
    if sys.stdin.isatty():
        password = click.prompt("New password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\n")
    if len(password) < MINIMUM_PASSWORD:
        raise InvalidInput("the password is too short", fix=f"Use at least {MINIMUM_PASSWORD} characters.")
    return str(password), False


@user_command.command("list")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def list_command(config_file: Path | None, as_json: bool) -> None:
    """Show everybody."""
    with _state(config_file) as state:
        people = [{"username": user.username, "role": user.role, "created": user.created} for user in state.users()]
    if as_json:
        click.echo(json.dumps(people))
        return
    for person in people:
        click.echo(f"{person['username']:24} {person['role']}")


@user_command.command("add")
@click.argument("name")
@click.option("--role", type=ROLES, default="viewer", show_default=True, help="What the person may do.")
@click.option(
    "--ask", is_flag=True, help="Ask for the password (or read it from standard input) instead of generating one."
)
@config_option
def add_command(name: str, role: str, ask: bool, config_file: Path | None) -> None:
    """Add the person NAME."""
    from weft.api.auth.identity import Role
    from weft.api.auth.people import People
    from weft.api.models.accounts import NewUser

    password, generated = _new_password(ask)
    try:
        new = NewUser(username=name, password=password, role=Role(role))
    except ValueError:
        raise InvalidInput(f"{name!r} is not a name for a person", fix="Use letters, digits and . _ @ -.") from None
    with _state(config_file) as state:
        People(state).add(ACTOR, new)
    click.echo(f"Added {name} ({role})" + (f" with the password {password}" if generated else ""))


@user_command.command("passwd")
@click.argument("name")
@click.option(
    "--ask", is_flag=True, help="Ask for the password (or read it from standard input) instead of generating one."
)
@config_option
def passwd_command(name: str, ask: bool, config_file: Path | None) -> None:
    """Give the person NAME a new password; their sessions end."""
    from weft.api.auth.people import People
    from weft.api.models.accounts import UserChange

    password, generated = _new_password(ask)
    with _state(config_file) as state:
        People(state).change(ACTOR, _person(state, name).id, UserChange(password=password))
    click.echo(f"{name} has a new password" + (f": {password}" if generated else ""))


@user_command.command("remove")
@click.argument("name")
@config_option
def remove_command(name: str, config_file: Path | None) -> None:
    """Remove the person NAME with their sessions, tokens and views."""
    from weft.api.auth.people import People

    with _state(config_file) as state:
        People(state).remove(ACTOR, _person(state, name).id)
    click.echo(f"Removed {name}")


@user_command.command("token")
@click.argument("name")
@click.argument("purpose")
@click.option(
    "--role",
    type=TOKEN_ROLES,
    default="viewer",
    show_default=True,
    help="At most the person's own role; sender may only push telemetry and changes.",
)
@click.option("--days", type=click.IntRange(1, 3660), help="Days until it ends. Default: never.")
@config_option
def token_command(name: str, purpose: str, role: str, days: int | None, config_file: Path | None) -> None:
    """Make an API token for the person NAME; PURPOSE is what it is called. It is printed this once."""
    from weft.api.auth.identity import Identity, Role
    from weft.api.auth.people import People
    from weft.api.models.accounts import NewToken

    with _state(config_file) as state:
        user = _person(state, name)
        who = Identity(user.id, user.username, Role(user.role), "session")
        made = People(state).add_token(who, NewToken(name=purpose, role=Role(role), days=days))
    click.echo(made.token)
