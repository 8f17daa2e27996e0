"""A device that logs: messages in the dialects of real systems, sent over UDP or TCP, stamped in the device's own zone.

Rendering is apart from sending, so that a test can look at what is sent.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import Literal

Dialect = Literal["rfc5424", "rfc3164", "ios", "iosxr", "nxos", "eos", "junos", "fortinet", "frr"]
_NIL = "-"


@dataclass(frozen=True, slots=True)
class Entry:
    """One message. ``program`` is the process, or the mnemonic (``LINK-3-UPDOWN``) where the dialect has those."""

    host: str
    program: str
    text: str
    severity: int = 6  # RFC 5424 §6.2.1
    facility: int = 23  # local7
    process_id: str = ""
    message_id: str = ""
    sequence: int = 0


def render(entry: Entry, dialect: Dialect, at: float, zone: tzinfo = UTC) -> bytes:
    """The message as a system of that kind writes it at ``at`` (seconds since 1970), its clock in ``zone``."""
    moment = datetime.fromtimestamp(at, UTC).astimezone(zone)
    text = f"<{entry.facility * 8 + entry.severity}>{_HEADERS[dialect](entry, moment)}{entry.text}"
    return text.encode()


def _process(entry: Entry) -> str:
    return f"{entry.program}[{entry.process_id}]" if entry.process_id else entry.program


def _bsd(moment: datetime) -> str:
    return f"{moment:%b} {moment.day:2} {moment:%H:%M:%S}"


def _rfc5424(entry: Entry, moment: datetime) -> str:
    names = (entry.host, entry.program, entry.process_id, entry.message_id)
    return f"1 {moment.isoformat(timespec='microseconds')} {' '.join(name or _NIL for name in names)} - "


def _rfc3164(entry: Entry, moment: datetime) -> str:
    return f"{_bsd(moment)} {entry.host} {_process(entry)}: "


def _ios(entry: Entry, moment: datetime) -> str:
    stamp = f"{_bsd(moment)}.{moment.microsecond // 1000:03} {moment.tzname() or 'UTC'}"
    return f"{entry.sequence}: {entry.host}: {stamp}: %{entry.message_id or entry.program}: "


def _iosxr(entry: Entry, moment: datetime) -> str:
    stamp = f"{_bsd(moment)}.{moment.microsecond // 1000:03} {moment.tzname() or 'UTC'}"
    return f"{entry.sequence}: {entry.host} RP/0/RSP0/CPU0:{stamp}: {_process(entry)}: %{entry.message_id} : "


def _nxos(entry: Entry, moment: datetime) -> str:
    stamp = f"{moment:%Y %b} {moment.day:2} {moment:%H:%M:%S}.{moment.microsecond // 1000:03}"
    return f"{entry.host}: {stamp} {moment.tzname() or 'UTC'}: %{entry.message_id or entry.program}: "


def _fortinet(entry: Entry, moment: datetime) -> str:
    return (
        f'date={moment:%Y-%m-%d} time={moment:%H:%M:%S} devname="{entry.host}" devid="FG18H1FTK00000000" '
        f'eventtime={int(moment.timestamp() * 1e6) * 1000} tz="{moment:%z}" '
    )


def _eos(entry: Entry, moment: datetime) -> str:
    return f"{_bsd(moment)} {entry.host} {entry.program}: %{entry.message_id}: "


def _junos(entry: Entry, moment: datetime) -> str:
    tag = f"{entry.message_id}: " if entry.message_id else ""
    return f"{_bsd(moment)} {entry.host} {_process(entry)}: {tag}"


def _frr(entry: Entry, moment: datetime) -> str:
    code = f"[{entry.message_id}] " if entry.message_id else ""
    return f"{_bsd(moment)} {entry.host} {_process(entry)}: {code}"


_HEADERS: dict[Dialect, Callable[[Entry, datetime], str]] = {
    "rfc5424": _rfc5424, "rfc3164": _rfc3164, "ios": _ios, "iosxr": _iosxr, "nxos": _nxos, "eos": _eos, "junos": _junos,
    "fortinet": _fortinet, "frr": _frr,
}  # fmt: skip


class SyslogEmitter:
    """Sends messages of one device to a receiver. ``source``: own address to send from, where the device has one."""

    def __init__(
        self, target: tuple[str, int], *, dialect: Dialect = "rfc5424", transport: Literal["udp", "tcp"] = "udp",
        source: str | None = None, zone: tzinfo = UTC, counted: bool = True,
    ) -> None:  # fmt: skip
        self._target, self._dialect, self._transport, self._zone = target, dialect, transport, zone
        self._source, self._counted = source, counted
        self._sock: socket.socket | None = None
        self._sequence = 0

    def send(self, entry: Entry, at: float | None = None) -> None:
        """Send one message, stamped ``at`` (now, if not given). Raises ``OSError``; the next call connects anew."""
        self._sequence += 1
        numbered = entry if entry.sequence else replace(entry, sequence=self._sequence)
        message = render(numbered, self._dialect, time.time() if at is None else at, self._zone)
        if self._transport == "tcp":
            message = b"%d %b" % (len(message), message) if self._counted else message.replace(b"\n", b" ") + b"\n"
        try:
            self.connect().sendall(message)
        except OSError:
            self.close()
            raise

    def connect(self) -> socket.socket:
        """The socket, opened where it was not. Raises ``OSError``."""
        if self._sock is None:
            family = socket.AF_INET6 if ":" in self._target[0] else socket.AF_INET
            kind = socket.SOCK_DGRAM if self._transport == "udp" else socket.SOCK_STREAM
            sock = socket.socket(family, kind)
            try:
                if self._source is not None:
                    sock.bind((self._source, 0))
                sock.settimeout(5.0)
                sock.connect(self._target)
            except OSError:
                sock.close()
                raise
            self._sock = sock
        return self._sock

    def close(self) -> None:
        """Release the socket."""
        if self._sock is not None:
            self._sock.close()
            self._sock = None
