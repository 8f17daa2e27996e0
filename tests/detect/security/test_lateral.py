"""What moves inside: fan-out of sign-ins, services and peers never seen, connections that last for hours."""

from __future__ import annotations

import re
from ipaddress import ip_network

import numpy as np
import pytest
from tests.detect.security.covert_rows import START_S, Flow, context, csv_in_zip, flow_rows, play, public_data

from weft.detect.context import Context, DetectorConfig
from weft.detect.security.lateral import LateralMovement
from weft.detect.security.long_lived import LongLived
from weft.errors import InvalidInput

_DATA, _SYN = 0x1B, 0x02


def office(hours: float, per_hour: int = 250) -> list[Flow]:
    """Machines that use two file servers, and an engineer's that signs in to five others."""
    rng = np.random.default_rng(7)
    found = []
    for at in np.sort(rng.uniform(0, hours * 3600, int(per_hour * hours))):
        port = int(rng.integers(20000, 60000))
        if rng.random() < 0.1:
            found.append(Flow(float(at), "10.0.2.9", f"10.0.3.{rng.integers(1, 6)}", 22, port))
        else:
            found.append(Flow(float(at), f"10.0.1.{rng.integers(1, 40)}", f"10.0.9.{rng.integers(1, 3)}", 445, port))
    return found


def spread(flags: int) -> list[Flow]:
    """One machine that opens SMB to thirty others within a quarter of an hour."""
    return [Flow(8000 + 30.0 * i, "10.0.1.13", f"10.0.1.{100 + i}", 445, 40000 + i, flags=flags) for i in range(30)]


def test_a_host_that_enters_machine_after_machine_is_found() -> None:
    found = play(LateralMovement(context()), [*office(3), *spread(_DATA)], step=240)
    assert {(one.kind, one.entity.id) for one in found} == {("lateral_movement", "10.0.1.13")}
    assert found[0].at_s - START_S - 8000 <= 900
    assert "SMB" in found[0].text
    assert found[0].severity.value == "minor"  # it has watched for two hours only, and says so
    assert "as far as" in found[0].text


def test_what_is_only_knocked_at_and_what_is_usual_is_no_movement() -> None:
    assert not play(LateralMovement(context()), [*office(3), *spread(_SYN)], step=240)


def test_what_three_hosts_do_sets_the_measure_and_what_one_always_does_is_its_own() -> None:
    def patrol(src: str, since: float, first: int = 0) -> list[Flow]:
        return [Flow(since + 10.0 * i, src, f"10.0.4.{first + i}", 22, 30000 + i) for i in range(60)]

    usual = [*office(6), *patrol("10.0.2.2", 600), *patrol("10.0.2.2", 15000, 100)]
    assert not play(LateralMovement(context()), usual, step=240)
    morning = [flow for i in range(8) for flow in patrol(f"10.0.2.{10 + i}", 9000 + 700 * i)]
    found = play(LateralMovement(context()), [*usual, *morning], step=240)
    assert {one.entity.id for one in found} == {"10.0.2.10", "10.0.2.11"}  # with the one that always did so: three


def test_a_service_and_a_peer_never_seen_are_told_where_new_things_are_rare() -> None:
    usual = [Flow(10.0 * i, "10.0.1.1", "10.0.9.1", 445, 20000 + i % 30000) for i in range(1500)]
    new = [Flow(14000 + 70.0 * i, "10.0.1.1", "10.0.9.2", 3389, 50000 + i) for i in range(5)]
    detector = LateralMovement(context(learn_services_s=7200, least_connections=500))
    found = play(detector, [*usual, *new], step=240)
    assert {one.kind for one in found} == {"new_service", "new_peer"}
    assert {one.entity.id for one in found} == {"10.0.1.1"}
    assert not play(LateralMovement(context()), [*usual, *new], step=240)  # a day is what it wants to learn by itself


def test_a_network_that_is_new_itself_and_a_table_that_is_full_are_no_storm() -> None:
    """A site opens: whatever it does is new for a day. Ten thousand pairs in a table of a thousand: what is new?"""
    usual = [Flow(10.0 * i, "10.0.1.1", "10.0.9.1", 445, 20000 + i % 30000) for i in range(1500)]
    site = [Flow(14000 + 2.0 * i, f"203.0.113.{1 + i % 9 // 8}", f"10.0.9.{2 + i // 500}", 3000 + i // 300, 40000 + i)
            for i in range(3000)]  # fmt: skip
    detector = LateralMovement(context(learn_services_s=7200, least_connections=500))
    assert not play(detector, [*usual, *site], step=240)
    crowd = [
        Flow(600.0 + i + 0.3 * k + 5000 * (k // 2), f"10.0.{10 + i % 100}.{i // 100}", "10.0.9.1", 445, 20000 + i)
        for i in range(2500) for k in range(4)
    ]  # fmt: skip
    new = [Flow(14000 + 70.0 * i, "10.0.1.1", "10.0.9.2", 3389, 50000 + i) for i in range(5)]
    full = LateralMovement(context(learn_services_s=3600, least_connections=500, pairs=1024))
    assert "new_peer" not in {one.kind for one in play(full, [*usual, *crowd, *new], step=240)}
    assert full.left_out > 0


def test_where_everybody_talks_to_anybody_nothing_new_is_told() -> None:
    rng = np.random.default_rng(8)
    flows = [
        Flow(10.0 * i, f"10.0.1.{a}", f"10.0.9.{b}", int(rng.integers(1000, 9000)), 40000)
        for i, (a, b) in enumerate(rng.integers(1, 250, (2000, 2)))
    ]  # fmt: skip
    again = [Flow(19000 + 70.0 * i, "10.0.1.1", "10.0.9.251", 3389, 50000 + i) for i in range(5)]
    detector = LateralMovement(context(learn_services_s=3600, least_connections=500))
    assert not play(detector, [*flows, *again], step=240)


def test_goes_on_after_a_restart() -> None:
    before, after = LateralMovement(context()), LateralMovement(context())
    play(before, office(2), step=300)
    after.load(before.save())
    found = [
        one for flow in spread(_DATA)
        for one in [*after.take("flows", flow_rows([flow])), *after.tick(START_S + flow.at + 40)]
    ]  # fmt: skip
    assert {one.entity.id for one in found} == {"10.0.1.13"}
    with pytest.raises(InvalidInput):
        after.load(b"{}")


def test_devices_under_addresses_never_seen_are_told_in_an_industrial_network() -> None:
    """Westermo: 90 minutes of control traffic; devices get wrong addresses and are worked from a host at ``.99``.

    The flows hold no ports. The first 15 minutes are learned from, faults in them included.
    """
    given = set()
    for line in public_data("westermo-ics", "data", "events.txt").read_text().splitlines():
        if "[BAD-MISCONF-START]" in line or "good address" in line:
            given |= set(re.findall(r"\d+\.\d+\.\d+\.\d+", line.partition("-->")[2] or line))
    own = (ip_network("198.18.0.0/15"), ip_network("198.134.18.0/24"))
    settings = DetectorConfig(settings={"learn_services_s": 900, "least_connections": 500})
    found = []
    for tap in ("bottom", "left"):
        rows = csv_in_zip(public_data("westermo-ics", "data", "reduced", "flows", f"output_{tap}.zip"))
        flows = [
            Flow(float(row["startOffset"]), row["sIPs"], row["rIPs"], 0, 1, octets=int(row["sBytesSum"]),
                 packets=int(row["sPackets"]), flags=0x18)
            for row in rows if row["protocol"] == "IPV4-TCP"
        ]  # fmt: skip
        detector = LateralMovement(Context(context().names, settings, networks=lambda: own))
        found += [one for one in play(detector, flows, step=240) if one.kind == "new_peer"]
    assert len(found) >= 8
    assert all({one.entity.id, one.others[0].id} & given for one in found)


def test_connections_open_for_hours_to_a_rare_network_are_told() -> None:
    rng = np.random.default_rng(9)
    chat = [
        Flow(600.0 * i + int(rng.integers(60)), f"10.0.1.{host}", "192.0.2.9", 5222, 40000 + host, dst_as=64496)
        for host in range(1, 20) for i in range(42)
    ]  # fmt: skip
    shell = [Flow(3700 + 300.0 * i, "10.0.1.77", "198.51.100.7", 8443, 51234, dst_as=64511) for i in range(70)]
    broken = [Flow(3700 + 1200.0 * i, "10.0.1.78", "198.51.100.8", 8443, 51234, dst_as=64510) for i in range(18)]
    found = play(LongLived(context()), [*chat, *shell, *broken], step=300)
    assert {one.entity.id for one in found} == {"10.0.1.77"}
    assert found[0].at_s - START_S - 3700 == pytest.approx(4 * 3600, abs=900)


def test_connections_open_when_weft_began_are_no_storm_and_a_restart_forgets_none() -> None:
    def shells(count: int, since: float, until: float, network: int) -> list[Flow]:
        return [
            Flow(float(at) + i, f"10.0.{network}.{i + 1}", f"198.51.100.{i + 1}", 8443, 51234,
                 dst_as=64600 + 100 * network + i)
            for i in range(count) for at in np.arange(since, until, 600.0)
        ]  # fmt: skip

    detector = LongLived(context())
    found = play(detector, shells(30, 10, 18000, 1), step=300)
    assert len({one.entity.id for one in found}) == 8
    assert detector.left_out == 22
    before, after = LongLived(context()), LongLived(context())
    play(before, shells(2, 4000, 12000, 2), step=300)
    after.load(before.save())
    later = [
        one for flow in sorted(shells(2, 12010, 24000, 2), key=lambda flow: flow.at)
        for one in [*after.take("flows", flow_rows([flow])), *after.tick(START_S + flow.at + 60)]
    ]  # fmt: skip
    assert {one.entity.id for one in later} == {"10.0.2.1", "10.0.2.2"}
    assert later[0].at_s - START_S - 4000 <= 4 * 3600 + 900
