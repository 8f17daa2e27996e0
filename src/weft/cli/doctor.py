"""``weft doctor``: is this machine fit, and is what is set usable? Every finding says what to do."""

from __future__ import annotations

import json
import os
import platform
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

from weft.cli.options import config_option, settings_of
from weft.errors import WeftError

if TYPE_CHECKING:
    from weft.config import Settings

SCARCE_BYTES, TIGHT_BYTES = 2 << 30, 20 << 30
SLOW_START = 2015  # a clock before this year was never set
RMEM_MAX = Path("/proc/sys/net/core/rmem_max")
MARKS = {"ok": "✓", "note": "·", "warning": "!", "problem": "✗"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    check: str
    level: Literal["ok", "note", "warning", "problem"]
    says: str
    fix: str = ""


@click.command("doctor")
@config_option
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON.")
def doctor_command(config_file: Path | None, as_json: bool) -> None:
    """Check the machine, the settings and the store.

    Changes nothing; may run beside a running Weft. Exit code 1 where there is a problem.
    """
    findings = list(examine(config_file))
    if as_json:
        click.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        for finding in findings:
            click.echo(f"{MARKS[finding.level]} {finding.check}: {finding.says}")
            if finding.fix:
                click.echo(f"    {finding.fix}")
    if any(finding.level == "problem" for finding in findings):
        raise click.exceptions.Exit(1)


def examine(config_file: Path | None) -> Iterator[Finding]:
    """All findings, in the order in which one would look."""
    yield _python()
    try:
        settings = settings_of(config_file)
    except WeftError as error:
        yield Finding("settings", "problem", error.message)
        return
    yield Finding("settings", "ok", f"{config_file or 'defaults, ./weft.yaml and the environment'} understood")
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _clock, _memory, _disk, _buffers, _listeners, _api_port, _tls, _store, _web_ui,
    )  # fmt: skip
    for check in checks:
        yield from check(settings)


def _python() -> Finding:
    says = f"Python {platform.python_version()} on {platform.system()} {platform.release()}, {os.cpu_count()} CPUs"
    if sys.platform.startswith("linux") or sys.platform == "darwin":
        return Finding("machine", "ok", says)
    return Finding("machine", "warning", says, "Weft is tested on Linux and macOS; on Windows run it in WSL 2.")


def _clock(_: Settings) -> Iterator[Finding]:
    if time.gmtime().tm_year < SLOW_START:
        yield Finding("clock", "problem", f"reads {time.strftime('%Y-%m-%d')}", "Set it; run an NTP client.")
        return
    synchronised = (
        Path("/run/systemd/timesync/synchronized").exists() or shutil.which("chronyd") or shutil.which("ntpd")
    )
    if sys.platform.startswith("linux") and not synchronised:
        yield Finding(
            "clock", "note", "no NTP client seen here (a container may take the host's clock)",
            "Telemetry is filed by this machine's clock: keep it right with chrony or systemd-timesyncd.",
        )  # fmt: skip
        return
    yield Finding("clock", "ok", time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime()))


def _memory(settings: Settings) -> Iterator[Finding]:
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return
    wanted = (settings.store.memory_mb << 20) if settings.store.url is None else 1 << 30
    says = f"{total / 2**30:.1f} GiB"
    if total < wanted:
        yield Finding(
            "memory", "warning", f"{says}, but the embedded store may use {wanted / 2**30:.1f} GiB",
            "Lower store.memory_mb and store.query_memory_mb, or use a ClickHouse server (store.url).",
        )  # fmt: skip
    else:
        yield Finding("memory", "ok", says)


def _disk(settings: Settings) -> Iterator[Finding]:
    place = settings.data_dir.resolve()
    while not place.exists():
        place = place.parent
    if not os.access(place, os.W_OK):
        yield Finding("disk", "problem", f"{place} is not writable", "Change its owner, or set WEFT_DATA_DIR.")
        return
    free = shutil.disk_usage(place).free
    says = f"{free / 2**30:.0f} GiB free for {settings.data_dir}"
    if free < SCARCE_BYTES:
        yield Finding("disk", "problem", says, "Make room, or set WEFT_DATA_DIR to a larger disk.")
    elif free < TIGHT_BYTES:
        yield Finding("disk", "warning", says, "Shorten store.retention_days, or set WEFT_DATA_DIR to a larger disk.")
    else:
        yield Finding("disk", "ok", says)


def _buffers(settings: Settings) -> Iterator[Finding]:
    if not RMEM_MAX.exists():
        return
    granted, wanted = int(RMEM_MAX.read_text()), settings.collect.receive_buffer
    if granted >= wanted:
        yield Finding("receive buffer", "ok", f"up to {granted >> 20} MiB")
        return
    if os.geteuid() == 0:
        yield Finding("receive buffer", "ok", f"{wanted >> 20} MiB (as root, past net.core.rmem_max)")
        return
    yield Finding(
        "receive buffer", "warning", f"the kernel grants {granted >> 10} KiB of the {wanted >> 20} MiB asked for: "
        "bursts may be dropped before Weft sees them",
        f"sysctl -w net.core.rmem_max={wanted}  (and keep it in /etc/sysctl.d/weft.conf)",
    )  # fmt: skip


def _listeners(settings: Settings) -> Iterator[Finding]:
    for listener in settings.collect.listeners:
        host = str(listener.address) if listener.address else "0.0.0.0"  # noqa: S104  # what the collector binds
        yield _free("telemetry port", host, listener.port, socket.SOCK_DGRAM, "collect.listeners")


def _api_port(settings: Settings) -> Iterator[Finding]:
    yield _free("web port", settings.api.host, settings.api.port, socket.SOCK_STREAM, "api.port (WEFT_PORT)")


def _free(check: str, host: str, port: int, kind: socket.SocketKind, setting: str) -> Finding:
    name = f"{'UDP' if kind == socket.SOCK_DGRAM else 'TCP'} {host}:{port}"
    try:
        family = socket.getaddrinfo(host, port, type=kind)[0][0]
        with socket.socket(family, kind) as sock:
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        fix = f"Is Weft running already? Otherwise see who has it (ss -lnp), or change {setting}."
        return Finding(check, "warning", f"{name} cannot be used: {error.strerror}", fix)
    return Finding(check, "ok", f"{name} is free")


def _tls(settings: Settings) -> Iterator[Finding]:
    api = settings.api
    for path in filter(None, (api.tls_certificate, api.tls_key)):
        if not os.access(path, os.R_OK):
            yield Finding("TLS", "problem", f"{path} cannot be read", "Check the path and the file's owner.")
    if not api.loopback and not api.tls:
        yield Finding(
            "TLS", "warning", f"the web UI answers on {api.host} without TLS: passwords cross the network in the clear",
            "Set api.tls_certificate and api.tls_key, or listen on 127.0.0.1 behind a proxy that speaks TLS.",
        )  # fmt: skip


def _store(settings: Settings) -> Iterator[Finding]:
    from weft.store.open import open_store

    if settings.store.url is None and not (settings.data_dir / "telemetry").exists():
        yield Finding("store", "ok", f"embedded, will be made in {settings.data_dir}")
        return
    store = open_store(settings.store, visiting=True)
    try:
        store.start()
        store.query("SELECT 1")
    except WeftError as error:
        level: Literal["note", "problem"] = "note" if settings.store.url is None else "problem"
        yield Finding("store", level, error.what, error.fix or "")
        return
    finally:
        store.stop()
    yield Finding("store", "ok", settings.store.url or f"embedded in {settings.data_dir} opens")


def _web_ui(_: Settings) -> Iterator[Finding]:
    from weft.api.static import DIST

    if (DIST / "index.html").is_file():
        yield Finding("web UI", "ok", "built")
    else:
        yield Finding("web UI", "problem", "not built: the API works, pages do not", "In a clone: ./dev setup.")
