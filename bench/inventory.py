"""What the inventory costs: 2 000 devices of 50 interfaces, told every ten minutes, little of it new.

Measures the first telling, telling the same again, one device that changes, lookups, start and the past.
"""

from __future__ import annotations

import json
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from weft.model.addresses import packed
from weft.model.inventory import Fact, ObjectKind
from weft.store.config import StoreConfig
from weft.store.inventory import FactsConfig, Inventory
from weft.store.state import open_state

DEVICES, PORTS = 2_000, 50
_LOOKUPS = 200_000


def facts(number: int, changed: bool = False) -> Iterator[Fact]:
    """What a poll of a device tells."""
    name, address = f"r{number}.example", f"10.{number >> 8}.{number & 255}.1"
    yield Fact(ObjectKind.DEVICE, (name,), {
        "name": name, "addresses": [address], "vendor": "Example", "model": "X1", "os": "XOS",
        "serial": f"S{number:06}", "os_version": "2" if changed else "1", "description": f"Example X1 {number}",
        "location": "Rack 1",
    })  # fmt: skip
    for port in range(1, PORTS + 1):
        yield Fact(ObjectKind.INTERFACE, (name, f"GigabitEthernet0/{port}"), {
            "short_name": f"Gi0/{port}", "if_index": port, "speed_bps": 10**10, "mtu": 1500, "type": "ethernet",
            "enabled": True, "description": f"to {number}-{port}",
            "mac": f"02:00:{number >> 8:02x}:{number & 255:02x}:00:{port:02x}",
        })  # fmt: skip


def timed(work: Callable[[], Any]) -> dict[str, float]:
    """How long it takes, by the clock and in CPU: the second says more where other work shares the machine."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return {"s": round(time.perf_counter() - began, 2), "cpu_s": round(time.process_time() - cpu, 2)}


def tell(inventory: Inventory, told: list[tuple[str, list[Fact]]]) -> None:
    """Tell, and wait until all is merged and written."""
    for scope, said in told:
        inventory.observe("snmp", scope, said)
    assert inventory.flush(300)


def main() -> None:
    """Print one JSON document."""
    with tempfile.TemporaryDirectory() as directory:
        state = open_state(StoreConfig(data_dir=Path(directory)))
        state.start()
        print(json.dumps(measure(state), indent=2))
        state.stop()


def measure(state: Any) -> dict[str, Any]:
    """All figures."""
    told = [(f"10.{n >> 8}.{n & 255}.1", list(facts(n))) for n in range(DEVICES)]
    inventory = Inventory(FactsConfig(), state)
    inventory.start()
    address = packed("10.3.7.1")

    def look_up() -> None:
        for _ in range(_LOOKUPS):
            inventory.if_index_of(address, "Gi0/17")

    result: dict[str, Any] = {
        "facts": DEVICES * (PORTS + 1), "first": timed(lambda: tell(inventory, told)),
        "said_again": timed(lambda: tell(inventory, told)),
        "one_device_changed": timed(lambda: tell(inventory, [(told[7][0], list(facts(7, changed=True)))])),
        "merge_after_one_change_s": round(inventory.counters().merge_s, 3),
        "lookup_us": round(timed(look_up)["cpu_s"] / _LOOKUPS * 1e6, 2),
    }  # fmt: skip
    inventory.stop()
    again = Inventory(FactsConfig(), state)
    result["start"] = timed(again.start)
    result["as_of_the_past"] = timed(lambda: again.snapshot(time.time() - 1))
    again.stop()
    result["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return result


if __name__ == "__main__":
    main()
