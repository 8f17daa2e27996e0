"""NetFlow and IPFIX of the public captures, field by field against tshark and against the golden files beside them."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import golden
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


@cache
def datagram_by_datagram(path: Path, port: int) -> list[public.Record]:
    return public.decode(path, ports=[port], singly=True)


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.usefixtures("peer")
def test_every_record_of_a_router_reads_as_in_tshark(test_data: Path) -> None:
    """Datagram by datagram: what tshark does not do is let options data reach back to records before them."""
    captures = router_captures(test_data)
    assert len(captures) >= 15
    total = 0
    with ThreadPoolExecutor(4) as pool:
        read = dict(zip(captures, pool.map(lambda capture: public.tshark(*capture), captures.values()), strict=True))
    for name, (path, port) in captures.items():
        ours, theirs = datagram_by_datagram(path, port), read[name]
        assert len(ours) == len(theirs) > 0, name
        assert public.differences(ours, theirs) == [], name
        total += len(ours)
    assert total > 2500


def test_records_of_a_batch_differ_only_by_what_options_data_tell(test_data: Path) -> None:
    """Decoded in one batch the records are the same; times follow the newest announcement of the boot time (± 2 ms)."""
    for name, (path, port) in router_captures(test_data).items():
        alone, together = datagram_by_datagram(path, port), public.decode(path, ports=[port])
        for one, other in zip(alone, together, strict=True):
            for column in ("time_start", "time_end"):
                if one[column] is not None:
                    assert abs(one[column] - other[column]) <= 2 * 10**6, name
            late = {"time_start", "time_end", "time_quality", "sampling_rate", "sampling_source"}
            assert {c: one[c] for c in one if c not in late} == {c: other[c] for c in other if c not in late}, name


def test_every_record_of_a_router_reads_as_in_netgauze(test_data: Path) -> None:
    """Every column that NetGauze's JSON tells; of times those that need no uptime."""
    total = 0
    for name, (path, port) in router_captures(test_data).items():
        (theirs,) = (golden.netgauze(one) for one in path.parent.glob(f"{path.stem}-flow.json"))
        ours = datagram_by_datagram(path, port)
        assert len(ours) == len(theirs), name
        assert public.differences(ours, theirs) == [], name
        total += len(ours)
    assert total > 2500


#: What the router captures must hold for these tests to mean something: columns with values other than zero.
TELLING = {
    "src_addr", "dst_addr", "next_hop", "src_port", "dst_port", "protocol", "bytes", "packets", "in_if", "out_if",
    "tcp_flags", "src_as", "dst_as", "direction", "tos", "src_mask", "dst_mask", "src_vlan", "dst_vlan", "src_mac",
    "dst_mac", "ttl", "ipv6_flow_label", "mpls_label", "in_vrf", "out_vrf", "forwarding_status", "flow_end_reason",
    "time_start", "time_end", "sampling_rate",
}  # fmt: skip


def test_the_captures_carry_every_class_of_field(test_data: Path) -> None:
    seen: set[str] = set()
    for path, port in router_captures(test_data).values():
        for record in datagram_by_datagram(path, port):
            seen |= {column for column in TELLING - seen if record[column] not in (None, 0)}
    assert seen == TELLING


# -- datagrams of many vendors -----------------------------------------------------------------------------------------

LOGSTASH = "logstash-plugins+logstash-codec-netflow"
TELEGRAF = "influxdata+telegraf/netflow/testcases"

#: tshark reads these differently: case → column (``records``: their number) and the reason.
TSHARK_EXCEPTIONS: dict[str, dict[str, str]] = {
    "Netflow 5 valid 01": {"time_start": "first 2^32 - 1 with uptime 3381 is 3382 ms before it; tshark does not wrap"},
    "Netflow 5 invalid 01": {"records": "a count of 55582 in a datagram for 30; tshark shows what fits"},
    "Netflow 5 invalid 02": {"records": "a count of 163 in a datagram for 30; tshark shows what fits"},
    "Netflow 9 invalid 01": {"records": "six whole sets; tshark stops after as many sets as count (2) says"},
    "Netflow 9 H3C": {"records": "element 43 with 2 bytes; tshark gives up on the set for want of an address"},
    "Netflow 9 nprobe DPI L7": {
        "time_start": "101 s with an uptime of 91 s: in the future, held to the export time",
        "time_end": "104 s with an uptime of 91 s: in the future, held to the export time",
    },
    "Netflow 9 Fortigate FortiOS 5.2.1": {
        "time_start": "seven days after the uptime: in the future, held to the export time",
        "time_end": "seven days after the uptime: in the future, held to the export time",
    },
    "IPFIX Netscaler with variable length fields, again": {"records": "tshark drops data before its template"},
    "ipfix_pen_35632": {
        "time_start": "22 without a boot time, 150 and 152; tshark shows the first of the three only",
        "time_end": "21 without a boot time, 151 and 153; tshark shows the first of the three only",
    },
    "issue_13305": {
        "time_start": "as in ipfix_pen_35632",
        "time_end": "as in ipfix_pen_35632",
    },
}  # fmt: skip

#: How many records there are where tshark finds another number, by the arithmetic above.
RECORDS = {
    "Netflow 5 invalid 01": 0,
    "Netflow 5 invalid 02": 0,
    "Netflow 9 invalid 01": 2,
    "Netflow 9 H3C": 16,
    "IPFIX Netscaler with variable length fields, again": 6,
}

#: Records with counters of both directions: Weft makes two of one, tshark shows one.
BIFLOWS = {"Netflow 9 Cisco ASA #2", "IPFIX YAF basic with applabel", "ipfix_example"}

#: Where a golden value is wrong: case → column → (right value, how to get to it).
GOLDEN_EXCEPTIONS: dict[str, dict[str, tuple[Any, str]]] = {
    "Netflow 5 valid 01": {
        "time_start": (1430591888280328000 - 3382 * 10**6, "export time - (3381 - (2^32 - 1) mod 2^32) ms"),
    },
    "Netflow 9 Ubiquiti Edgerouter with MPLS labels": {
        "mpls_label": (None, "the field is 201, mplsLabelStackLength, of 4; the codec reads it as a label with TTL 4"),
    },
    "Netflow 9 nprobe DPI L7": {
        "time_start": (502 * 10**9, "after the uptime in the header: held to the export time"),
        "time_end": (502 * 10**9, "after the uptime in the header: held to the export time"),
    },
    "Netflow 9 Fortigate FortiOS 5.2.1": {
        "time_start": (1500356519 * 10**9, "after the uptime in the header: held to the export time"),
        "time_end": (1500356519 * 10**9, "after the uptime in the header: held to the export time"),
    },
}


def vendor_cases(test_data: Path) -> list[golden.Case]:
    """All cases, each with a name of its own."""
    cases = golden.logstash(test_data / "flows" / LOGSTASH) + golden.telegraf(test_data / "flows" / TELEGRAF)
    names: set[str] = set()
    for i, case in enumerate(cases):
        if case.name in names:
            cases[i] = case._replace(name=f"{case.name}, again")
        names.add(case.name)
    return cases


def is_same(column: str, mine: Any, value: Any, version: int) -> bool:
    """Whether a golden value says the same as ours.

    Golden times are cut to ms. Those that count from the uptime are 1 to 2 s late in most cases: the logstash codec
    counts the rest of a second twice (tshark agrees with ours to the ms, see below).
    """
    if column not in ("time_start", "time_end"):
        return bool(mine == value)
    late = value - mine // 10**6 * 10**6
    return late == 0 or (version in (5, 9) and 10**9 <= late < 2 * 10**9)


def unexplained(case: golden.Case, record: public.Record, expected: public.Record) -> list[str]:
    """What a record has other than a golden one says, and other than the exceptions explain."""
    known = GOLDEN_EXCEPTIONS.get(case.name, {})
    return [
        f"{column} is {record[column]!r}, not {value!r}"
        for column, value in expected.items()
        if not (
            record[column] == known[column][0]
            if column in known
            else is_same(column, record[column], value, record["protocol_version"])
        )
    ]


def test_records_of_many_vendors_are_as_in_the_golden_files(test_data: Path) -> None:
    """Every golden record is among ours; golden files leave out most records, so more of ours are no error."""
    compared = 0
    for case in vendor_cases(test_data):
        found = public.decode(*case.files)
        for expected in case.golden:
            differing = min((unexplained(case, record, expected) for record in found), key=len, default=["no records"])
            assert differing == [], case.name
            compared += len(expected)
    assert compared > 1500


def test_headers_that_promise_more_than_there_is_give_no_records(test_data: Path) -> None:
    for name in ("netflow5_test_invalid01.dat", "netflow5_test_invalid02.dat"):
        assert public.decode(test_data / "flows" / LOGSTASH / name) == []


def test_data_before_its_template_are_decoded_once_it_comes(test_data: Path) -> None:
    folder = test_data / "flows" / LOGSTASH
    template, data = folder / "ipfix_test_netscaler_tpl.dat", folder / "ipfix_test_netscaler_data.dat"
    assert public.decode(data) == []
    late, straight = public.decode(data, template), public.decode(template, data)
    assert sorted(late, key=str) == sorted(straight, key=str) != []


def without_mirrors(found: list[public.Record]) -> list[public.Record]:
    """Records without those that are the other direction of the one before."""
    kept: list[public.Record] = []
    pair, swapped = ("src_addr", "dst_addr", "src_port", "dst_port"), ("dst_addr", "src_addr", "dst_port", "src_port")
    is_alone = False
    for record in found:
        is_mirror = is_alone and [kept[-1][c] for c in pair] == [record[c] for c in swapped]
        if not is_mirror:
            kept.append(record)
        is_alone = not is_mirror
    return kept


@pytest.mark.peers
@pytest.mark.slow
@pytest.mark.usefixtures("peer")
def test_records_of_many_vendors_read_as_in_tshark(test_data: Path, tmp_path: Path) -> None:
    """All cases in one capture, each from an exporter of its own."""
    cases = {f"10.9.{i}.1": case for i, case in enumerate(vendor_cases(test_data))}
    capture = tmp_path / "vendors.pcap"
    capture.write_bytes(
        public.as_pcap([(path.read_bytes(), source) for source, case in cases.items() for path in case.files], 2055)
    )
    ours, theirs = public.decode(capture, singly=True), public.tshark(capture, 2055)
    excused: set[tuple[str, str]] = set()
    for source, case in cases.items():
        reasons = TSHARK_EXCEPTIONS.get(case.name, {})
        mine = [record for record in ours if record["exporter"] == source]
        other = [record for record in theirs if record["exporter"] == source]
        mine = without_mirrors(mine) if case.name in BIFLOWS else mine
        if len(mine) != len(other) and "records" in reasons:
            assert len(mine) == RECORDS[case.name]
            excused.add((case.name, "records"))
            continue
        assert len(mine) == len(other), case.name
        for one, another in zip(mine, other, strict=True):
            for column in [c for c in reasons if one[c] != another[c]]:
                excused.add((case.name, column))
                del another[column]
        assert public.differences(mine, other) == [], case.name
    assert excused == {(name, column) for name, reasons in TSHARK_EXCEPTIONS.items() for column in reasons}


@pytest.mark.peers
@pytest.mark.usefixtures("peer")
def test_an_ipfix_file_reads_as_in_tshark(test_data: Path) -> None:
    """RFC 5655: messages one after the other."""
    (path,) = (test_data / "flows").glob("CESNET*/doc/data/ipfix/example_flows.ipfix")
    ours, theirs = public.decode(path), public.tshark(path, 4739)
    assert len(ours) > 3000
    assert public.differences(ours, theirs) == []
