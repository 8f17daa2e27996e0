"""Spellings of one thing are one, those of two things are two."""

import pytest

from weft.model.naming import (
    address_token,
    host_token,
    identifying,
    interface_token,
    mac_token,
    same_host,
    serial_tokens,
)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Gi0/1", "GigabitEthernet0/1"), ("gi 0/1", "GigabitEthernet0/1"), ("Te1/0/1", "TenGigabitEthernet1/0/1"),
        ("TenGigE0/0/0/1", "Te0/0/0/1"), ("Hu0/0/0/3", "HundredGigE0/0/0/3"), ("Et1", "Ethernet1"),
        ("Eth1/49", "Ethernet1/49"), ("Po10", "port-channel10"), ("Port-Channel10", "po10"), ("BE7", "Bundle-Ether7"),
        ("Lo0", "Loopback0"), ("Vl100", "Vlan100"), ("Ma1", "Management1"), ("Twe1/0/5", "TwentyFiveGigE1/0/5"),
        ("ge-0/0/0.0", "GE-0/0/0.0"), ("Fo1/1/1", "FortyGigabitEthernet1/1/1"), ("Tu5", "Tunnel5"),
        ("FH0/0/0/0", "FourHundredGigE0/0/0/0"),
    ],
)  # fmt: skip
def test_interfaces_in_full_and_short(one: str, other: str) -> None:
    assert interface_token(one) == interface_token(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("et-0/0/0", "ge-0/0/0"), ("xe-0/0/1", "xe-0/0/10"), ("Gi0/1", "Te0/1"), ("Gi0/1", "Gi0/1.100"),
        ("eth0", "eth1"), ("Ethernet1", "Ethernet10"), ("ae0", "Et0"), ("et-0/0/0", "Ethernet0/0/0"), ("fxp0", "em0"),
    ],
)  # fmt: skip
def test_other_interfaces_are_others(one: str, other: str) -> None:
    assert interface_token(one) != interface_token(other)


def test_hosts_and_domains() -> None:
    assert same_host(host_token("R1"), host_token("r1.example.net."))
    assert not same_host(host_token("r1.example"), host_token("r1.test"))
    assert not same_host(host_token("r1"), host_token("r2"))
    for nothing in ("", "localhost", "Switch", "192.0.2.1", "2001:db8::1"):
        assert host_token(nothing) == ("", "")
    assert host_token("core.1") == ("core.1", "")  # no domain


def test_addresses_serials_and_hardware_addresses() -> None:
    assert address_token("::ffff:192.0.2.1") == address_token("192.0.2.1/24") == "192.0.2.1"
    assert address_token("2001:DB8::0:1%eth0") == "2001:db8::1"
    assert address_token("1.2.3") == address_token("r1") == address_token("") == ""
    assert identifying("127.10.1.1")
    for shared in ("127.0.0.1", "::1", "fe80::1", "169.254.1.1", "224.0.0.5", "0.0.0.0", "255.255.255.255"):
        assert not identifying(shared)
    assert serial_tokens("FOC1, foc2") == {"foc1", "foc2"}
    assert serial_tokens("To be filled by O.E.M.") == serial_tokens("N/A") == frozenset()
    assert mac_token("0050.56AB.cdef") == mac_token("00-50-56-ab-CD-EF") == "00:50:56:ab:cd:ef"
    assert mac_token("Chassis 7") == "chassis 7"
