"""``weft gnmi``: ask a target what it is, what it has and what it streams; for finding out why nothing comes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from weft.cli.options import config_option, settings_of
from weft.errors import ConfigError, Failed, InvalidInput, NotAllowed, Unavailable, WeftError

if TYPE_CHECKING:
    from weft.collect.gnmi.client import GnmiClient
    from weft.collect.gnmi.config import TargetConfig

Command = Callable[..., Any]
ENCODINGS = ("auto", "proto", "json_ietf", "json", "ascii")


def _target_options(command: Command) -> Command:
    """How to reach a target: by its name in the settings, or by an address and these."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="JSON, one document or one line each."),
        click.option("--timeout", type=click.FloatRange(0.1, 600), help="Longest to wait for an answer, seconds."),
        click.option("--encoding", type=click.Choice(ENCODINGS), help="How values are sent."),
        click.option("--skip-verify", is_flag=True, help="Believe any certificate."),
        click.option("--server-name", help="Name that the target's certificate is for."),
        click.option("--key", type=click.Path(path_type=Path), help="Private key of --cert (PEM)."),
        click.option("--cert", type=click.Path(path_type=Path), help="Certificate to show (PEM)."),
        click.option("--ca", type=click.Path(path_type=Path), help="Certificates to verify the target by (PEM)."),
        click.option("--plaintext", is_flag=True, help="Do not use TLS."),
        click.option(
            "--password-file", type=click.Path(path_type=Path), help="File with the password (else WEFT_GNMI_PASSWORD)."
        ),
        click.option("--username", "-u", help="User name."),
        config_option,
        click.argument("target"),
    ):  # fmt: skip
        command = option(command)
    return command


@click.group("gnmi")
def gnmi_command() -> None:
    """Ask gNMI targets.

    TARGET is the name of one in the settings, or host:port; options win over the settings.
    """


@gnmi_command.command("capabilities")
@_target_options
def capabilities_command(target: str, as_json: bool, **options: Any) -> None:
    """Show the version, encodings and models of TARGET."""
    from weft.collect.gnmi.requests import encodings

    chosen = _target(target, **options)

    async def ask(client: GnmiClient) -> None:
        said = await client.capabilities()
        names = encodings(said.encodings, "auto")
        if as_json:
            models = [{"name": name, "organization": by, "version": version} for name, by, version in said.models]
            _print_json({"gnmi": said.version, "encodings": names, "models": models})
            return
        click.echo(f"gNMI {said.version}, encodings {', '.join(names)}, {len(said.models)} models")
        for name, by, version in sorted(said.models):
            click.echo(f"  {name} {version}  {by}".rstrip())

    _run(chosen, ask)


@gnmi_command.command("get")
@_target_options
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--database", default="", metavar="NAME", help="Target of the request's prefix, e.g. COUNTERS_DB of SONiC."
)
@click.option("--metrics", is_flag=True, help="Show what Weft would store, not what was sent.")
def get_command(
    target: str, paths: tuple[str, ...], database: str, metrics: bool, as_json: bool, **options: Any
) -> None:
    """Ask TARGET once for PATHS."""
    from weft.collect.gnmi.requests import encodings, get_request

    chosen = _target(target, **options)

    async def ask(client: GnmiClient) -> None:
        encoding = encodings((await client.capabilities()).encodings, chosen.encoding)[0]
        printer = _Printer(chosen, metrics=metrics, as_json=as_json)
        printer.show(await client.get(get_request(_wanted(paths, "sample", 10, database), encoding)), is_get=True)

    _run(chosen, ask)


@gnmi_command.command("subscribe")
@_target_options
@click.argument("paths", nargs=-1)
@click.option(
    "--preset", "presets", multiple=True, metavar="NAME", help="Subscribe to what a preset does; may be repeated."
)
@click.option(
    "--mode",
    type=click.Choice(["sample", "on_change", "target_defined", "once"]),
    default="sample",
    show_default=True,
    help="When values are sent.",
)
@click.option(
    "--interval", type=click.FloatRange(0.1, 86400), default=10.0, show_default=True, help="Seconds between samples."
)
@click.option(
    "--database", default="", metavar="NAME", help="Target of the request's prefix, e.g. COUNTERS_DB of SONiC."
)
@click.option("--metrics", is_flag=True, help="Show what Weft would store, not what was sent.")
@click.option("--count", type=click.IntRange(1), help="Stop after so many messages.")
def subscribe_command(
    target: str, paths: tuple[str, ...], presets: tuple[str, ...], mode: str, interval: float, database: str,
    metrics: bool, count: int | None, as_json: bool, **options: Any,
) -> None:  # fmt: skip
    """Show what TARGET streams of PATHS, until interrupted."""
    from weft.collect.gnmi.client import ended
    from weft.collect.gnmi.requests import by_target, encodings, subscribe_request

    chosen = _target(target, presets=presets, **options)
    wanted = _subscriptions(chosen, paths, presets, mode, interval, database)

    async def ask(client: GnmiClient) -> None:
        encoding = encodings((await client.capabilities()).encodings, chosen.encoding)[0]
        printer = _Printer(chosen, metrics=metrics, as_json=as_json)
        left = count if count is not None else -1
        group = by_target(wanted)[0]
        call = client.subscribe()
        await call.write(subscribe_request(group, encoding, "once" if mode == "once" else "stream"))
        while left and (message := await call.read()) is not ended():
            printer.show(message)
            left -= 1
        if left:
            await _check_status(call)
        call.cancel()

    _run(chosen, ask)


async def _check_status(call: Any) -> None:
    """Raise what the target ended the call with, if that was an error."""
    from grpc import StatusCode
    from grpc.aio import AioRpcError

    if await call.code() is not StatusCode.OK:
        raise AioRpcError(
            await call.code(), await call.initial_metadata(), await call.trailing_metadata(), await call.details()
        )


def _subscriptions(
    chosen: TargetConfig, paths: tuple[str, ...], presets: tuple[str, ...], mode: str, interval: float, database: str
) -> list[Any]:
    """What to subscribe to; one request can hold only what has the same target in its prefix."""
    from weft.collect.gnmi.requests import by_target
    from weft.collect.gnmi.requests import wanted as of_settings

    found = _wanted(paths, "sample" if mode == "once" else mode, interval, database)
    if presets or not found:
        found += of_settings(chosen)
    if not found:
        raise InvalidInput("no path to subscribe to", fix="Give paths, or --preset.")
    if len(by_target(found)) > 1:
        raise InvalidInput("these paths are of several databases", fix="Subscribe to those of one at a time.")
    return found


def _wanted(paths: tuple[str, ...], mode: Any, interval: float, database: str) -> list[Any]:
    from weft.collect.gnmi.requests import Wanted, path_message

    for path in paths:
        path_message(path)  # says what is wrong with it
    return [Wanted(path, mode, interval, target=database) for path in paths]


def _target(
    name: str, *, config_file: Path | None, username: str | None, password_file: Path | None, plaintext: bool,
    ca: Path | None, cert: Path | None, key: Path | None, server_name: str | None, skip_verify: bool,
    encoding: str | None, timeout: float | None, presets: tuple[str, ...] = (),
) -> TargetConfig:  # fmt: skip
    """The target of the settings with that name or address, or one made of the options."""
    import os

    from pydantic import ValidationError

    from weft.collect.gnmi.config import TargetConfig

    section = settings_of(config_file).gnmi
    known = next((one for one in section.resolved() if name in {one.name, one.address, one.host}), None)
    given: dict[str, Any] = {} if known is None else known.model_dump()
    if known is None:
        given = {**section.defaults.model_dump(exclude={"presets", "subscriptions"}), "address": name}
    password: Any = {"file": password_file} if password_file else None
    if password is None and "WEFT_GNMI_PASSWORD" in os.environ:
        password = {"env": "WEFT_GNMI_PASSWORD"}
    options = {
        "username": username, "password": password, "plaintext": plaintext or None, "encoding": encoding,
        "timeout_s": timeout, "presets": presets or None,
    }  # fmt: skip
    tls = {"ca": ca, "cert": cert, "key": key, "server_name": server_name, "skip_verify": skip_verify or None}
    given |= {option: value for option, value in options.items() if value is not None}
    given["tls"] = {**given["tls"], **{option: value for option, value in tls.items() if value is not None}}
    try:
        return TargetConfig.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ConfigError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}", where=name) from None


class _Printer:
    """Messages as lines: ``time path = value``, or the rows that Weft would make of them."""

    def __init__(self, target: TargetConfig, *, metrics: bool, as_json: bool) -> None:
        from weft.decode.gnmi.decoder import GnmiDecoder
        from weft.decode.gnmi.mapping import PathMapping

        self._as_json = as_json
        self._decoder = GnmiDecoder(PathMapping.load(), host=target.name or target.host) if metrics else None

    def show(self, raw: bytes, *, is_get: bool = False) -> None:
        """Print one message."""
        import time

        from weft.decode.gnmi.proto import pb

        if self._decoder is not None:
            decoded = self._decoder.decode([raw], time.time_ns())
            for row in decoded.rows.to_pylist() if decoded.rows is not None else ():
                self._row(row)
            for reason, count in decoded.skipped.items():
                click.echo(f"# {reason}: {count}", err=True)
            return
        message = (pb.GetResponse if is_get else pb.SubscribeResponse).FromString(raw)
        if not is_get and message.sync_response:
            self._line({"sync_response": True}, "# sync_response")
        for notification in message.notification if is_get else [message.update]:
            self._notification(notification)

    def _notification(self, notification: Any) -> None:
        from weft.decode.gnmi.paths import path_text, wire_elements

        head = wire_elements(notification.prefix)
        origin = notification.prefix.origin
        for path in notification.delete:
            text = path_text([*head, *wire_elements(path)], path.origin or origin)
            self._line({"time": notification.timestamp, "delete": text}, f"{notification.timestamp} delete {text}")
        for update in notification.update:
            text = path_text([*head, *wire_elements(update.path)], update.path.origin or origin)
            value = _value(update.val)
            self._line(
                {"time": notification.timestamp, "path": text, "value": value},
                f"{notification.timestamp} {text} = {value}",
            )

    def _row(self, row: dict[str, Any]) -> None:
        value = row["text"] or row["value"]
        shown = {name: row[name] for name in ("metric", "component", "labels")}
        labels = f"{{{row['labels']}}}" if row["labels"] else ""
        self._line(
            {"time": row["time"].value, **shown, "value": value},
            f"{row['time'].isoformat()} {row['metric']} {row['component']}{labels} = {value}",
        )

    def _line(self, document: dict[str, Any], text: str) -> None:
        if self._as_json:
            _print_json(document)
        else:
            click.echo(text)


def _value(typed: Any) -> Any:
    """A TypedValue as a plain value."""
    import orjson

    kind = typed.WhichOneof("value")
    if kind is None:
        return None
    value = getattr(typed, kind)
    if kind in {"json_val", "json_ietf_val"}:
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError:
            return value.decode("utf-8", "replace")
    if kind == "decimal_val":
        return value.digits / 10**value.precision
    if kind == "leaflist_val":
        return [_value(one) for one in value.element]
    return value.hex() if isinstance(value, bytes) else value if isinstance(value, str | int | float) else str(value)


def _print_json(document: Any) -> None:
    import orjson

    click.echo(orjson.dumps(document).decode())


def _run(target: TargetConfig, ask: Callable[[GnmiClient], Awaitable[None]]) -> None:
    """Connect, ask, and say in Weft's words what went wrong."""
    from grpc.aio import AioRpcError

    from weft.collect.gnmi.client import GnmiClient

    async def main() -> None:
        client = await GnmiClient.open(target)
        try:
            await ask(client)
        except AioRpcError as error:
            raise _explained(error.code().name, client.clean(error.details() or ""), target.address) from None
        finally:
            await client.close()

    try:
        asyncio.run(main())
    except KeyboardInterrupt:
        raise click.Abort from None


def _explained(code: str, details: str, address: str) -> WeftError:
    what = f"{code.lower()}: {details}"
    if code in {"UNAUTHENTICATED", "PERMISSION_DENIED"}:
        return NotAllowed(what, where=address, fix="Check the user name, the password and the certificate.")
    if code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}:
        return Unavailable(what, where=address, fix="Check the port, and whether the target wants TLS (--plaintext).")
    if code in {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}:
        return InvalidInput(what, where=address)
    return Failed(what, where=address)
