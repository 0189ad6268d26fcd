"""`chatproto-server`: serve, and look after users."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import attrs
import click
import trio
from attrs import evolve

from chatproto.errors import ChatprotoError
from reference_server.config import Config, load_config, options


def _with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add an option for every setting, and one for the file."""
    for setting in reversed(options()):
        command = click.option(
            spelled(setting),
            setting.name,
            default=None,
            help=f"{setting.metadata['help']} [{_shown_default(setting.default)}]",
            **_kind(str(setting.type)),
        )(command)
    return click.option(
        "--config",
        "config_file",
        type=click.Path(path_type=Path),
        envvar="CHATPROTO_CONFIG",
        help="a TOML file with the same settings under [chatproto]",
    )(command)


def spelled(setting: attrs.Attribute[Any]) -> str:
    """The option of a setting; what is on by itself has one to switch it off."""
    name = setting.name.replace("_", "-")
    return f"--{name}/--no-{name}" if setting.default is True else f"--{name}"


def _kind(declared: str) -> dict[str, Any]:
    """How an option of a declared type is read."""
    if declared == "bool":
        return {"is_flag": True}
    if declared == "list[str]":
        return {"multiple": True, "callback": lambda _c, _p, value: list(value) or None}
    return {"type": int if declared == "int" else str}


def _shown_default(default: object) -> str:
    return str(default) if isinstance(default, str | int) else "none"


@click.group()
@click.version_option(package_name="chatproto")
def main() -> None:
    """The reference server of chatproto."""


@main.command()
@_with_settings
def serve(config_file: Path | None, **given: Any) -> None:
    """Serve until stopped by SIGTERM or SIGINT."""
    from reference_server.serve import serve as run

    config = _config(config_file, given)
    _run(partial(run, config))


@main.command()
@_with_settings
def health(config_file: Path | None, **given: Any) -> None:
    """Ask the server that runs with these settings whether it takes calls."""
    from reference_server.health import ask

    try:
        click.echo(ask(_config(config_file, given)))
    except ChatprotoError as error:
        raise click.ClickException(str(error)) from None


@main.command("schema")
@click.argument("kind", type=click.Choice(["openapi", "asyncapi"]))
@_with_settings
def schema(kind: str, config_file: Path | None, **given: Any) -> None:
    """Print the description of the HTTP or of the socket binding, modules included."""
    import json

    from chatproto.server.extensions import operations_with
    from chatproto.wire.schema import asyncapi, openapi
    from reference_server.app import find_modules

    config = _config(config_file, given)
    try:
        table = operations_with(find_modules(config.modules))
    except ChatprotoError as error:
        raise click.ClickException(str(error)) from None
    describe = openapi if kind == "openapi" else asyncapi
    url = config.base_url or f"http://{config.listen}"
    document = describe(table, version=version("chatproto"), url=url)
    click.echo(json.dumps(document, indent=2, ensure_ascii=False))


@main.group()
def user() -> None:
    """Look after users."""


@user.command("add")
@click.argument("name")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@click.option("--admin", is_flag=True, help="make an administrator")
@click.option("--display-name", help="the name that others see")
@_with_settings
def user_add(
    name: str,
    password: str,
    admin: bool,  # click passes by name
    display_name: str | None,
    config_file: Path | None,
    **given: Any,
) -> None:
    """Make an account."""
    from reference_server import users

    async def add(engine: Any) -> None:
        made = await users.add_user(
            engine,
            name,
            password,
            admin=admin,
            display_name=display_name,
        )
        click.echo(f"made {made}" + (", an administrator" if admin else ""))

    _with_engine(_config(config_file, given), add)


@user.command("list")
@_with_settings
def user_list(config_file: Path | None, **given: Any) -> None:
    """List the accounts."""
    from reference_server import users

    async def show(engine: Any) -> None:
        for row in await users.list_users(engine):
            role = "admin" if row["is_admin"] else "user"
            closed = " (closed)" if row["is_deactivated"] else ""
            click.echo(f"{row['user_id']}\t{role}\t{row['display_name'] or ''}{closed}")

    _with_engine(_config(config_file, given), show)


@user.command("password")
@click.argument("name")
@click.option("--password", prompt=True, hide_input=True, confirmation_prompt=True)
@_with_settings
def user_password(
    name: str,
    password: str,
    config_file: Path | None,
    **given: Any,
) -> None:
    """Set a user's password; all their sessions end."""
    from reference_server import users

    async def change(engine: Any) -> None:
        await users.set_password(engine, name, password)
        click.echo(f"changed the password of {name}")

    _with_engine(_config(config_file, given), change)


@user.command("role")
@click.argument("name")
@click.argument("role", type=click.Choice(["user", "admin"]))
@_with_settings
def user_role(name: str, role: str, config_file: Path | None, **given: Any) -> None:
    """Make a user an administrator, or an ordinary user."""
    from reference_server import users

    async def change(engine: Any) -> None:
        await users.set_role(engine, name, role)
        click.echo(f"{name} is now: {role}")

    _with_engine(_config(config_file, given), change)


def _config(path: Path | None, given: dict[str, Any]) -> Config:
    try:
        return load_config(path, given)
    except ChatprotoError as error:
        raise click.ClickException(str(error)) from None


def _with_engine(config: Config, work: Callable[[Any], Awaitable[None]]) -> None:
    from reference_server.app import open_server

    # Bridges are told of events by the server that runs, and by nobody beside it.
    alone = evolve(config, appservices=[])

    async def run() -> None:
        async with open_server(alone) as server:
            await work(server.engine)

    _run(run)


def _run(function: Callable[[], Awaitable[None]]) -> None:
    try:
        trio.run(function)
    except* (ChatprotoError, OSError) as group:
        raise click.ClickException(str(_first(group))) from None


def _first(error: BaseException) -> BaseException:
    """What went wrong, out of the groups in which nurseries wrap it."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
