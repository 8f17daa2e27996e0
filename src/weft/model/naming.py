"""When two spellings name the same thing: interfaces in full and abbreviated, hosts with and without a domain.

Pure text in, text out; answers are remembered, because the same names are asked for over and over.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

_MOST_REMEMBERED = 262_144

#: Spellings of an interface's type as devices write them → the one they are compared by. Types with a dash that belongs
#: to them (Junos ``et-0/0/0``) are not abbreviations and stay as they are.
_TYPES: dict[str, tuple[str, ...]] = {
    "ethernet": ("eth", "et"),
    "fastethernet": ("fa", "fas", "fasteth"),
    "gigabitethernet": ("gi", "gig", "gige", "gigabitether"),
    "twogigabitethernet": ("tw", "two"),
    "fivegigabitethernet": ("fi", "five"),
    "tengigabitethernet": ("te", "ten", "tengige", "tengig"),
    "twentyfivegigabitethernet": ("twe", "tf", "twentyfivegige"),
    "fortygigabitethernet": ("fo", "fortygige"),
    "fiftygigabitethernet": ("fiftygige",),
    "hundredgigabitethernet": ("hu", "hun", "hundredgige"),
    "twohundredgigabitethernet": ("twohundredgige",),
    "fourhundredgigabitethernet": ("fh", "fou", "fourhundredgige"),
    "eighthundredgigabitethernet": ("eighthundredgige",),
    "port-channel": ("po", "portchannel"),
    "bundle-ether": ("be", "bundleether"),
    "loopback": ("lo",),
    "management": ("ma", "mgmt"),
    "mgmteth": ("mg",),
    "vlan": ("vl",),
    "tunnel": ("tu", "tun"),
    "serial": ("se", "ser"),
    "bvi": ("bv",),
    "dialer": ("di",),
    "null": ("nu",),
    "virtual-access": ("vi",),
    "virtual-template": ("vt",),
}  # fmt: skip
_CANONICAL = {short: full for full, shorts in _TYPES.items() for short in (*shorts, full)}
_NAME = re.compile(r"([a-z][a-z -]*?)\s*(\d.*)")

#: Names that a device has because nobody gave it one: they tell nothing apart.
NO_NAMES = frozenset(
    {
        "", "localhost", "localhost.localdomain", "unknown", "none", "null", "(none)", "no name", "hostname", "router",
        "switch", "firewall", "host", "server", "sonic", "cumulus", "vyos", "debian", "ubuntu",
    }
)  # fmt: skip
#: Serial numbers that are none.
NO_SERIALS = frozenset(
    {
        "", "0", "none", "null", "unknown", "n/a", "na", "not specified", "not available", "default string",
        "system serial number", "to be filled by o.e.m.", "0123456789", "123456789", "00000000",
    }
)  # fmt: skip


@lru_cache(_MOST_REMEMBERED)
def interface_token(name: str) -> str:
    """What spellings of one interface have in common: ``Gi0/1`` and ``GigabitEthernet 0/1`` give the same."""
    folded = " ".join(name.split()).casefold()
    match = _NAME.fullmatch(folded)
    if match is None:
        return folded
    kind = match[1].strip()
    return _CANONICAL.get(kind, kind) + match[2]


def unnamed_interface(if_index: int | str) -> str:
    """What an interface is called whose name is not known."""
    return f"ifIndex {if_index}"


@lru_cache(_MOST_REMEMBERED)
def host_token(name: str) -> tuple[str, str]:
    """A host's name without case: (first label, rest). An address or a name that means nothing gives ("", "")."""
    folded = name.strip().rstrip(".").casefold()
    if folded in NO_NAMES or address_token(folded):
        return "", ""
    short, _, domain = folded.partition(".")
    if not short or not domain.replace(".", "").replace("-", "").isalnum() or domain[:1].isdigit():
        return folded, ""  # "core.1" is a name with a dot, not a host in the domain "1"
    return short, domain


def same_host(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Whether two tokens can name one host: equal, or one of them without a domain."""
    return one[0] == other[0] and (one[1] == other[1] or not one[1] or not other[1])


@lru_cache(_MOST_REMEMBERED)
def address_token(text: str) -> str:
    """The canonical text of an address (prefix length and zone dropped, mapped IPv4 as IPv4); empty if it is none."""
    if not text or not (text[0].isalnum() or text[0] in ":["):
        return ""
    bare = text.partition("/")[0].partition("%")[0].strip("[]")
    if ":" not in bare and bare.count(".") != 3:
        return ""
    try:
        one = ipaddress.ip_address(bare)
    except ValueError:
        return ""
    mapped = one.ipv4_mapped if one.version == 6 else None
    return str(mapped or one)


@lru_cache(_MOST_REMEMBERED)
def identifying(address: str) -> bool:
    """Whether an address can tell one device from another: not loopback's own, link-local, multicast or unset."""
    try:
        one = ipaddress.ip_address(address)
    except ValueError:
        return False
    if address in {"127.0.0.1", "::1"} or one.is_multicast or one.is_unspecified or one.is_link_local:
        return False
    return address != "255.255.255.255"


def serial_tokens(text: str) -> frozenset[str]:
    """Serial numbers in a text, several separated by commas or spaces (a stack); those that are none left out."""
    folded = text.strip().casefold()
    if folded in NO_SERIALS:
        return frozenset()
    return frozenset(part for part in re.split(r"[,;\s]+", folded) if part and part not in NO_SERIALS)


def mac_token(text: str) -> str:
    """A hardware address in lower-case hexadecimal with colons; other text only folded."""
    digits = re.sub(r"[:.\-\s]", "", text).casefold()
    if len(digits) == 12 and all(c in "0123456789abcdef" for c in digits):
        return ":".join(digits[i : i + 2] for i in range(0, 12, 2))
    return text.strip().casefold()
