"""exabgp's pairs of messages and JSON: ours is equal, or differs as said here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from weft.decode.bgp import Paths, decode_update
from weft.decode.bgp.to_json import message_json

MARKER = b"\xff" * 16
IDS = frozenset({(1, 1), (1, 128)})
#: Attributes that exabgp takes apart and Weft tells in octets: each is a language of its own that no page speaks.
IN_OCTETS = {"bgp-ls": "bgp-ls", "bgp-prefix-sid": "prefix-sid", "tunnel-encap": "tunnel-encap"}
#: exabgp's names of extended communities and ours, which are those of routers' command lines.
NAMES = {"target:": "rt:", "origin:": "soo:", "action ": "action:", "mark ": "mark:"}
#: NLRI that differ for a reason.
EXPLAINED = {
    # exabgp writes the octets of an IPv6 prefix whole behind an offset; RFC 8956 §3.1 leaves the offset's bits out.
    ("conf-flow.ci", "ipv6 flow"),
    # exabgp has the number of the pseudonode twice: in the router id and by itself.
    ("bgp-ls-10", "bgp-ls bgp-ls"),
}


def pairs(folder: Path) -> Iterator[tuple[str, bytes, dict[str, Any]]]:
    """File, message and exabgp's JSON."""
    for path in sorted((folder / "decoding").iterdir()):
        kind, raw, text = path.read_text().split("\n", 2)
        if not kind.startswith("nlri"):
            yield path.name, octets(raw), json.loads(text)
    for path in sorted((folder / "encoding").glob("*.ci")):
        raw = ""
        for line in path.read_text().splitlines():
            if found := re.match(r"\d+:(raw|json|jsv6):(.*)", line.strip()):
                if found[1] == "raw":
                    raw = found[2]
                else:
                    yield path.name, octets(raw), json.loads(found[2])


def octets(raw: str) -> bytes:
    found = bytes.fromhex(re.sub(r"[\s:]", "", raw))
    return found if found.startswith(MARKER) else MARKER + (19 + len(found)).to_bytes(2, "big") + b"\2" + found


def explained(name: str, section: str, key: str, ours: Any, theirs: Any) -> bool:
    """Whether a difference is one of those that are meant."""
    if section == "attribute":
        return key in IN_OCTETS or key in IN_OCTETS.values() or (key.startswith("extended") and same(ours, theirs))
    return (name, key) in EXPLAINED or unhopped(ours) == unhopped(theirs)


def same(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> bool:
    """Extended communities: the numbers are equal, and where both know a word for one it means the same."""
    if [one["value"] for one in ours] != [one["value"] for one in theirs]:
        return False
    for one, two in zip(ours, theirs, strict=True):
        text = two["string"]
        for name, other in NAMES.items():
            text = text.replace(name, other)
        is_other_form = one["string"].startswith(("ext", "rate-limit-packets", "soo")) or "redirect-to" in text
        if one["string"] != text and not is_other_form:
            return False
    return True


def unhopped(value: Any) -> Any:
    """NLRI without what exabgp repeats or spells otherwise: a next hop in BGP-LS, mapped addresses, absent ones."""
    if isinstance(value, dict):
        return {
            name.removeprefix("::ffff:"): unhopped(one)
            for name, one in value.items()
            if name not in ("nexthop", "string")
        }
    if isinstance(value, list):
        return [unhopped(one) for one in value]
    return "" if value == "b''" else value


def test_every_pair_is_equal_or_explained(test_data: Path) -> None:
    folder = test_data / "bgp" / "Exa-Networks+exabgp"
    if not folder.is_dir():
        pytest.skip("no exabgp data")
    count, equal, wrong = 0, 0, []
    for name, message, wanted in pairs(folder):
        with_ids = IDS if "path-information" in json.dumps(wanted) else frozenset[tuple[int, int]]()
        found = message_json(message, as4="no-asn4" not in name, add_path=with_ids)
        assert "error" not in found, (name, found)
        inner = wanted["neighbor"].get("message", wanted["neighbor"])
        theirs, ours = inner.get("update", inner.get("open")), found.get("update", found.get("open"))
        count += 1
        equal += ours == theirs
        for section in ("attribute", "announce", "withdraw"):
            one, two = ours.get(section, {}), theirs.get(section, {})
            wrong += [
                (name, section, key, one.get(key), two.get(key))
                for key in sorted(one.keys() | two.keys())
                if one.get(key) != two.get(key) and not explained(name, section, key, one.get(key), two.get(key))
            ]
    assert wrong == []
    assert count >= 120
    assert equal >= 60


def test_every_update_is_rows_too(test_data: Path) -> None:
    folder = test_data / "bgp" / "Exa-Networks+exabgp"
    if not folder.is_dir():
        pytest.skip("no exabgp data")
    paths = Paths()
    for name, message, wanted in pairs(folder):
        update = wanted["neighbor"].get("message", {}).get("update")
        if update is None or message[18] != 2:
            continue
        with_ids = IDS if "path-information" in json.dumps(wanted) else frozenset[tuple[int, int]]()
        routes = decode_update(message[19:], as4="no-asn4" not in name, add_path=with_ids, paths=paths)
        told = [one for hops in update.get("announce", {}).values() for some in hops.values() for one in some]
        gone = [one for some in update.get("withdraw", {}).values() for one in some]
        assert not routes.errors, name
        assert (len(routes) - int(routes.withdrawn.sum()), int(routes.withdrawn.sum())) == (len(told), len(gone)), name
