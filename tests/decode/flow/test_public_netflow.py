"""NetFlow and IPFIX of the public captures, field by field against tshark and against the golden files beside them."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import public
import pytest

#: Captures that no well-known port gives away.
PORTS = {"srv6.pcap": 9992, "104": 9992, "500": 9992}


@pytest.fixture
def peer() -> None:
    if shutil.which("tshark") is None:
        pytest.skip("tshark (Debian) is not installed")


def router_captures(test_data: Path) -> dict[str, tuple[Path, int]]:
    """Captures of flow records from routers, each content once, with the port they go to."""
    root = test_data / "flows" / "NetGauze+NetGauze"
    found: dict[str, tuple[Path, int]] = {}
    for path in [*sorted(root.glob("flow/*/*.pcap")), *sorted(root.glob("pmacct-tests/*/*.pcap"))]:
        folder = path.parent.name
        if path.with_name(f"{path.stem}-flow.json").exists() or "IPFIX" in folder or "NFv9" in folder:
            port = PORTS.get(path.name) or PORTS.get(folder[:3], 9991)
            found.setdefault(sha256(path.read_bytes()).hexdigest(), (path, port))
    return {f"{path.parent.name}/{path.name}": (path, port) for path, port in found.values()}


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.usefixtures("peer")
def test_every_record_of_a_router_reads_as_in_tshark(test_data: Path) -> None:
    """Datagram by datagram: what tshark does not do is let options data reach back to records before them."""
    captures = router_captures(test_data)
    assert len(captures) >= 15
    total = 0
    for name, (path, port) in captures.items():
        ours, theirs = public.decode(path, ports=[port], singly=True), public.tshark(path, port)
        assert len(ours) == len(theirs) > 0, name
        assert public.differences(ours, theirs) == [], name
        total += len(ours)
    assert total > 2500


def test_records_of_a_batch_differ_only_by_what_options_data_tell(test_data: Path) -> None:
    """Decoded in one batch the records are the same; times follow the newest announcement of the boot time (± 2 ms)."""
    for name, (path, port) in router_captures(test_data).items():
        alone, together = public.decode(path, ports=[port], singly=True), public.decode(path, ports=[port])
        for one, other in zip(alone, together, strict=True):
            for column in ("time_start", "time_end"):
                if one[column] is not None:
                    assert abs(one[column] - other[column]) <= 2 * 10**6, name
            late = {"time_start", "time_end", "time_quality", "sampling_rate", "sampling_source"}
            assert {c: one[c] for c in one if c not in late} == {c: other[c] for c in other if c not in late}, name
