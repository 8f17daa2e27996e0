"""How devices of several makers put a message on the wire."""

from __future__ import annotations

from datetime import UTC, datetime

from weft.twin.messages import Message


def render(message: Message) -> bytes:
    """The datagram: Junos writes RFC 3164 headers, NX-OS its own, FortiOS key=value pairs."""
    at = datetime.fromtimestamp(message.time_s, UTC)
    priority = f"<{message.facility * 8 + message.severity}>"
    if message.dialect == "junos":
        process = f"{message.program}[{message.pid}]" if message.pid else message.program
        text = f"{at:%b} {at.day:2d} {at:%H:%M:%S} {message.device} {process}: {message.text}"
    elif message.dialect == "nxos":
        text = f"{message.device}: {at:%Y %b} {at.day:2d} {at:%H:%M:%S}.{at.microsecond // 1000:03d} UTC: "
        text += f"{message.program}: {message.text}"
    else:
        stamp = int(message.time_s * 1e9)
        text = f'date={at:%Y-%m-%d} time={at:%H:%M:%S} devname="{message.device}" devid="FG18H1FTK00000000" '
        text += f'eventtime={stamp} tz="+0000" {message.text}'
    return (priority + text).encode()
