"""A NetBox on loopback: the REST API's shapes, pages, filters and refusals, over objects that a test puts there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "0123456789abcdef0123456789abcdef01234567"
_START = datetime(2026, 1, 1, tzinfo=UTC)


class NetBox:
    """Objects by path below ``/api`` (``dcim/sites``), and how the server behaves."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[int, dict[str, Any]]] = {}
        self.requests: list[tuple[str, dict[str, list[str]]]] = []
        self.headers: list[str] = []
        self.refuse: list[tuple[int, dict[str, str]]] = []  # answered before anything else
        self.raw: bytes | None = None
        self.most = 3  # objects on a page, whatever is asked for
        self._clock = 0
        self.url = ""

    def put(self, path: str, number: int, **fields: Any) -> None:
        """Add or change an object; it is stamped."""
        self._clock += 1
        stamp = (_START + timedelta(seconds=self._clock)).isoformat().replace("+00:00", "Z")
        before = self.objects.setdefault(path, {}).get(number, {})
        base = {"id": number, "url": f"http://elsewhere.invalid/api/{path}/{number}/", "tags": [], "custom_fields": {}}
        self.objects[path][number] = base | before | fields | {"last_updated": stamp}

    def answer(self, path: str, asked: dict[str, list[str]]) -> dict[str, Any]:
        """A page."""
        found = sorted(self.objects.get(path, {}).values(), key=lambda one: one["id"])
        if "last_updated__gte" in asked:
            found = [one for one in found if one["last_updated"] >= asked["last_updated__gte"][0]]
        if "status" in asked:
            found = [one for one in found if one["status"]["value"] in asked["status"]]
        offset, limit = int(asked.get("offset", ["0"])[0]), min(self.most, int(asked.get("limit", ["50"])[0]))
        page = found[offset : offset + limit]
        onwards = f"http://elsewhere.invalid/api/{path}/?offset={offset + limit}"
        more = onwards if offset + limit < len(found) else None
        return {"count": len(found), "next": more, "previous": None, "results": page}


@contextmanager
def serving(netbox: NetBox) -> Iterator[NetBox]:
    """The server, at ``netbox.url``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            netbox.headers.append(self.headers.get("authorization", ""))
            if netbox.refuse:
                status, headers = netbox.refuse.pop(0)
                self._send(status, b'{"detail": "no"}', headers)
                return
            if netbox.headers[-1] not in {f"Token {TOKEN}", "Bearer nbt_abc.secret"}:
                self._send(403, b'{"detail": "Invalid token"}', {})
                return
            path = parts.path.removeprefix("/api/").strip("/")
            asked = parse_qs(parts.query)
            netbox.requests.append((path, asked))
            body = netbox.raw if netbox.raw is not None else json.dumps(netbox.answer(path, asked)).encode()
            self._send(200, body, {})

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {
                "content-type": "application/json",
                "content-length": str(len(body)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    netbox.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield netbox
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _brief(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": name, "slug": name.lower().replace(" ", "-"), "display": name, **more}


def example(netbox: NetBox, *, old: bool = False) -> None:
    """Two sites, three devices, cables, a circuit, addresses; ``old``: the shapes of NetBox 3.5, else those of 4.x."""
    fra, ams = _brief(1, "FRA 1"), _brief(2, "AMS 1")
    active = {"value": "active", "label": "Active"}
    netbox.put("dcim/sites", 1, **fra, region=_brief(1, "Europe"), latitude=50.11, longitude="8.680000",
               physical_address="Somewhere 1", status=active, description="Frankfurt",
               tags=[_brief(1, "Core Site")])  # fmt: skip
    netbox.put("dcim/sites", 2, **ams, region=None, latitude=None, longitude=None, status=active, description="")
    role, maker = _brief(1, "Border"), {"manufacturer": _brief(1, "Juniper"), "model": "MX204", "slug": "mx204"}
    role_field = "device_role" if old else "role"
    for number, name, site, status in (
        (1, "fra-border1", fra, "active"), (2, "ams-border1", ams, "active"), (3, "later", ams, "planned"),
        (4, None, ams, "staged"),
    ):  # fmt: skip
        netbox.put("dcim/devices", number, name=name, display=name or "MX204 (4)", device_type=maker, site=site,
                   serial=f"S{number}", status={"value": status, "label": status}, platform=_brief(1, "Junos"),
                   primary_ip={"address": f"192.0.2.{number}/32", "family": 4} if number != 3 else None,
                   primary_ip4=None, primary_ip6=None, location=None, rack=_brief(7, "R7"), description="",
                   custom_fields={"owner": {"value": 3, "label": "Net team"}}, **{role_field: role})  # fmt: skip
    _ports(netbox)
    netbox.put("circuits/providers", 1, name="Lumen", slug="lumen", asns=[{"id": 1, "asn": 3356}], description="")
    netbox.put("circuits/circuits", 5, cid="LUM-1", provider=_brief(1, "Lumen"), type=_brief(1, "Transit"),
               status=active, tenant=None, commit_rate=1_000_000, termination_date="2027-01-31",
               custom_fields={"mrc": 4200})  # fmt: skip
    netbox.put(
        "circuits/circuit-terminations", 9, circuit={"id": 5, "cid": "LUM-1"}, term_side="A", port_speed=10_000_000
    )
    netbox.put("tenancy/tenants", 1, name="Globex", slug="globex", group=None, description="Pays")
    scope = {"site": fra} if old else {"scope_type": "dcim.site", "scope_id": 1, "scope": fra}
    netbox.put("ipam/prefixes", 1, prefix="10.1.0.0/16", vrf=None, tenant=_brief(1, "Globex"), vlan={"id": 1, "vid": 7},
               role=_brief(1, "Servers"), status=active, description="", **scope)  # fmt: skip
    netbox.put("ipam/prefixes", 2, prefix="10.1.0.0/16", vrf={"id": 1, "name": "lab"}, tenant=None, status=active)
    parent = {"device": _brief(1, "fra-border1")} if old else {"parent": _brief(1, "fra-border1")}
    netbox.put("ipam/services", 1, name="dns", protocol={"value": "udp"}, ports=[53],
               ipaddresses=[{"address": "192.0.2.1/32"}], **parent)  # fmt: skip


def _ports(netbox: NetBox) -> None:
    def port(number: int, device: int, name: str, **more: Any) -> None:
        fields = {"device": _brief(device, "d"), "name": name, "type": {"value": "10gbase-x-sfpp"}, "enabled": True,
                  "mtu": None, "speed": None, "mac_address": None, "lag": None, "description": "", "cable": None,
                  "link_peers": [], "link_peers_type": None, "connected_endpoints": None,
                  "connected_endpoints_type": None, "connected_endpoints_reachable": None}  # fmt: skip
        netbox.put("dcim/interfaces", number, **(fields | more))

    end_a = {"id": 11, "device": _brief(1, "fra-border1"), "name": "et-0/0/0"}
    end_b = {"id": 21, "device": _brief(2, "ams-border1"), "name": "et-0/0/0"}
    peer = {"connected_endpoints_type": "dcim.interface", "connected_endpoints_reachable": True}
    port(11, 1, "et-0/0/0", type={"value": "100gbase-x-qsfp28"}, connected_endpoints=[end_b], **peer)
    port(21, 2, "et-0/0/0", speed=100_000_000, connected_endpoints=[end_a], **peer)
    port(12, 1, "xe-0/1/0", link_peers_type="circuits.circuittermination", description="Transit", mtu=9192,
         link_peers=[{"id": 9, "circuit": {"id": 5, "cid": "LUM-1"}, "term_side": "A"}])  # fmt: skip
    port(13, 1, "lo0.0", type={"value": "virtual"})
    port(31, 3, "et-9/9/9")
    for number, device, interface, address, role in (
        (1, 1, 13, "192.0.2.1/32", None), (2, 1, 11, "198.51.100.1/31", None), (3, 1, 11, "198.51.100.9/24", "vrrp"),
        (4, 2, 21, "198.51.100.0/31", None),
    ):  # fmt: skip
        netbox.put("ipam/ip-addresses", number, address=address, role={"value": role, "label": role} if role else None,
                   assigned_object_type="dcim.interface",
                   assigned_object={"id": interface, "name": "x", "device": _brief(device, "d")})  # fmt: skip
    side_a = [{"object_type": "dcim.interface", "object_id": 11, "object": end_a}]
    side_b = [{"object_type": "dcim.interface", "object_id": 21, "object": end_b}]
    netbox.put("dcim/cables", 1, a_terminations=side_a, b_terminations=side_b, label="X-17", type="smf",
               status={"value": "connected", "label": "Connected"})  # fmt: skip
