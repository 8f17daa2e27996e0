"""Lines of the network with both of their ends, as the inventory knows them."""

from __future__ import annotations

from dataclasses import dataclass

from weft.model.inventory import InventoryObject, ObjectKind
from weft.store.inventory import Snapshot

#: Device, interface.
Port = tuple[str, str]


@dataclass(frozen=True, slots=True)
class LineEnd:
    """One end of a line. ``mtu``: octets, ``speed_bps``: bit/s, 0 = not known; ``duplex``: full, half or empty."""

    device: str
    interface: str
    mtu: int = 0
    speed_bps: float = 0.0
    duplex: str = ""
    enabled: bool = True
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line. ``rented``: somebody else carries it, who may hand it over at two speeds."""

    a: LineEnd
    b: LineEnd
    rented: bool = False


def nobody(_device: str, _interface: str) -> Port | None:
    """The fact ``neighbour`` where there is no inventory."""
    return None


def lines_of(snapshot: Snapshot) -> tuple[Line, ...]:
    """Every line of which both ports are known."""
    return tuple(
        Line(
            _end(snapshot, one.key[0], one.key[1]), _end(snapshot, one.key[2], one.key[3]),
            bool(one.get("provider") or one.get("circuit")),
        )
        for one in snapshot.objects(ObjectKind.LINK) if one.key[1] and one.key[3]
    )  # fmt: skip


def neighbours_of(snapshot: Snapshot) -> dict[Port, Port]:
    """Port → the port at the other end of its line; the other interface is empty where only its device is known."""
    found: dict[Port, Port] = {}
    for a_device, a_port, b_device, b_port in (one.key for one in snapshot.objects(ObjectKind.LINK)):
        if a_port:
            found[a_device, a_port] = b_device, b_port
        if b_port:
            found[b_device, b_port] = a_device, a_port
    return found


def _end(snapshot: Snapshot, device: str, interface: str) -> LineEnd:
    port = snapshot.get(ObjectKind.INTERFACE, (device, interface))
    if port is None:
        return LineEnd(device, interface)
    return LineEnd(
        device, interface, int(_number(port, "mtu")), _number(port, "speed_bps"), str(port.get("duplex") or ""),
        port.get("enabled") is not False, str(port.get("type") or ""),
    )  # fmt: skip


def _number(port: InventoryObject, name: str) -> float:
    told = port.get(name)
    return float(told) if isinstance(told, int | float) and told > 0 else 0.0
