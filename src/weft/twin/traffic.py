"""The traffic model: what each exporter of Acme meters, second by second.

An exporter carries *conversations*: an application between a group of our hosts and a remote network (or another site),
over a pair of interfaces. A conversation's rate follows the hour and weekday of the place where people use it, drifts
slowly (a sum of sines with incommensurate periods, so that live and back-filled traffic meet without a step) and its
flows have log-normal sizes and Zipf-like hosts. Seeded: the same seed gives the same organisation.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from weft.twin import organisation as org
from weft.twin.records import FlowRecords

_WEEK_START_S = 4 * 86400  # 1970-01-05 was a Monday
_PERIODS_S = np.array([660.0, 1510.0, 3700.0, 8300.0, 19_000.0, 34_000.0])
_V6_SHARE = 0.22
_FLOW_OCTETS_EXPONENT = 0.75  # volume → share of the records: bigger conversations have more and bigger flows


@dataclass(frozen=True, slots=True)
class _Hosts:
    """A prefix to draw addresses from; ``spread`` is how many hosts of it are in use."""

    base: int
    v6_base: int
    spread: int
    asn: int


@dataclass(frozen=True, slots=True)
class _Conversation:
    app: org.App
    ours: _Hosts
    theirs: _Hosts
    server_is_ours: bool
    peak_bps: float
    to_server_share: float
    near_if: int  # the interface on our side
    far_if: int
    utc_offset_h: float


def _hosts(prefix: str, prefix_v6: str, spread: int, asn: int) -> _Hosts:
    network = ipaddress.IPv4Network(prefix)
    v6 = int(ipaddress.IPv6Network(prefix_v6).network_address) if prefix_v6 else 0
    return _Hosts(int(network.network_address), v6, min(spread, network.num_addresses - 2), asn)


def _site_hosts(site: org.Site, kind: str) -> _Hosts:
    prefix, spread = {"users": (site.users, 4000), "servers": (site.servers, 400), "public": (site.public, 24)}[kind]
    return _hosts(prefix, site.public_v6, spread, org.ACME_AS if kind == "public" else 0)


def activity(shape: str, utc_s: NDArray[np.float64], utc_offset_h: float) -> NDArray[np.float64]:
    """How busy an application of ``shape`` is at ``utc_s`` where the local time is ``utc_offset_h`` ahead: 0 to 1."""
    local = utc_s + utc_offset_h * 3600
    hour = local / 3600 % 24
    weekend = (local - _WEEK_START_S) / 86400 % 7 >= 5
    level: NDArray[np.float64]
    if shape == "work":
        day = np.exp(-(((hour - 10.8) / 2.4) ** 2)) + np.exp(-(((hour - 15.0) / 2.6) ** 2))
        level = 0.09 + 0.91 * np.minimum(day, 1.0) * np.where(weekend, 0.22, 1.0)
    elif shape == "evening":
        level = 0.16 + 0.84 * np.exp(-((_hours_between(hour, 20.6) / 4.6) ** 2))
    elif shape == "night":
        level = 0.03 + 0.97 * np.exp(-((_hours_between(hour, 2.2) / 1.1) ** 4))
    else:
        level = 0.72 + 0.28 * np.sin((hour - 8.0) / 24 * 2 * np.pi)
    return level


def _hours_between(hour: NDArray[np.float64], peak: float) -> NDArray[np.float64]:
    apart: NDArray[np.float64] = np.abs(hour - peak)
    shorter: NDArray[np.float64] = np.minimum(apart, 24 - apart)
    return shorter


class ExporterTraffic:
    """What one exporter meters."""

    def __init__(self, exporter: org.Exporter, records_per_s: float, seed: int) -> None:
        """``records_per_s`` is the mean over a day of the flow records (or samples) it exports."""
        self.exporter = exporter
        self._rng = np.random.default_rng([seed, int(ipaddress.IPv4Address(exporter.address))])
        self._per_s = records_per_s
        self._conversations = tuple(_conversations(exporter))
        self._table = _tabulate(self._conversations)
        count = len(self._conversations)
        self._phase = self._rng.uniform(0, 2 * np.pi, (count, len(_PERIODS_S)))
        self._swing = self._rng.uniform(0.03, 0.11, (count, len(_PERIODS_S)))

    def rates_bps(self, utc_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """True rate of each conversation at each time: ``[conversation, time]``, bit/s, both directions together."""
        rows = []
        for i, c in enumerate(self._conversations):
            drift = (
                self._swing[i, :, None] * np.sin(utc_s / _PERIODS_S[:, None] * 2 * np.pi + self._phase[i, :, None])
            ).sum(0)
            rows.append(c.peak_bps * activity(c.app.shape, utc_s, c.utc_offset_h) * np.exp(drift))
        return np.stack(rows)

    def port_rates_bps(
        self, utc_s: NDArray[np.float64]
    ) -> Iterator[tuple[int, int, NDArray[np.float64], NDArray[np.float64]]]:
        """For each conversation its near and far port, and the true rates from near to far and back, bit/s."""
        for conversation, rate in zip(self._conversations, self.rates_bps(utc_s), strict=True):
            # An sFlow sample is one packet of the mean size, whichever way it goes.
            to_server = 0.5 if self.exporter.protocol == "sflow" else conversation.to_server_share
            forward = 1 - to_server if conversation.server_is_ours else to_server
            yield conversation.near_if, conversation.far_if, rate * forward, rate * (1 - forward)

    def generate(self, since_s: float, until_s: float) -> FlowRecords:
        """The records whose flows end between ``since_s`` and ``until_s`` (UTC seconds)."""
        step = min(60.0, until_s - since_s)
        starts = np.arange(since_s, until_s - 1e-6, step)
        rates = self.rates_bps(starts + step / 2)
        if self.exporter.protocol == "sflow":  # one record per sampled packet: the volume sets how many there are
            assert self.exporter.sampling_rate is not None
            popularity = rates / 8 / self._table["packet_octets"][:, None]
            expected = popularity.sum(0) * step / self.exporter.sampling_rate
        else:  # bigger conversations have more flows and bigger flows
            popularity = rates**_FLOW_OCTETS_EXPONENT
            expected = self._per_s * step * (0.35 + 1.3 * rates.sum(0) / self.exporter.peak_bps)
        counts = self._rng.poisson(expected)
        slot = np.repeat(np.arange(len(starts)), counts)
        cumulative = np.cumsum(popularity / popularity.sum(0), axis=0).T + np.arange(len(starts))[:, None]
        draw = slot + self._rng.random(len(slot)) * (1 - 1e-12)
        which = np.minimum(np.searchsorted(cumulative.ravel(), draw) - slot * len(rates), len(rates) - 1)
        share = popularity / popularity.sum(0)
        mean_octets = rates * step / 8 / np.maximum(share * expected, 1e-9) / (self.exporter.sampling_rate or 1)
        end = starts[slot] + self._rng.random(len(slot)) * step
        return self._records(which, mean_octets[which, slot], end)

    def _records(
        self, which: NDArray[np.int64], mean_octets: NDArray[np.float64], end_s: NDArray[np.float64]
    ) -> FlowRecords:
        rng, n, conversation = self._rng, len(which), self._table[which]
        to_server = rng.random(n) < 0.5
        octets, packets = self._volumes(conversation, mean_octets, to_server)
        v6 = (rng.random(n) < _V6_SHARE) & conversation["v6"] & (self.exporter.protocol != "netflow_v5")
        ours = self._addresses(conversation, "ours", v6)[:, None, :]
        theirs = self._addresses(conversation, "theirs", v6)[:, None, :]
        hosts = np.concatenate([ours, theirs], axis=1)
        from_ours = to_server ^ conversation["server_is_ours"]
        side, rows = np.where(from_ours, 0, 1), np.arange(n)
        server_port = conversation["port"]
        client_port = rng.integers(32768, 61000, n).astype(np.uint16)
        flags = rng.choice(np.array([0x18, 0x1B, 0x10, 0x02], np.uint8), n, p=[0.55, 0.3, 0.12, 0.03])
        end_ms = (end_s * 1000).astype(np.int64)
        duration = np.minimum(rng.exponential(9_000, n), 59_000).astype(np.int64)
        return FlowRecords(
            start_ms=end_ms - np.where(packets > 1, duration, 0),
            end_ms=end_ms,
            src=hosts[rows, side],
            dst=hosts[rows, 1 - side],
            src_port=np.where(to_server, client_port, server_port),
            dst_port=np.where(to_server, server_port, client_port),
            protocol=conversation["protocol"],
            tcp_flags=np.where(conversation["protocol"] == 6, flags, 0).astype(np.uint8),
            tos=np.where(server_port == 8801, 0xB8, 0).astype(np.uint8),  # real-time media marks EF
            octets=octets,
            packets=packets,
            in_if=conversation["interfaces"][rows, side],
            out_if=conversation["interfaces"][rows, 1 - side],
            src_as=conversation["asns"][rows, side],
            dst_as=conversation["asns"][rows, 1 - side],
        )

    def _volumes(
        self, conversation: NDArray[np.void], mean_octets: NDArray[np.float64], to_server: NDArray[np.bool_]
    ) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
        """Octets and packets of each record; an sFlow sample is one packet."""
        rng, n, packet = self._rng, len(conversation), conversation["packet_octets"]
        if self.exporter.protocol == "sflow":
            octets, packets = packet * rng.uniform(0.9, 1.1, n), np.ones(n, np.uint64)
        else:
            forward, spread = conversation["to_server_share"], conversation["spread"]
            octets = mean_octets * 2 * np.where(to_server, forward, 1 - forward)
            octets *= np.exp(rng.normal(0, spread) - spread**2 / 2)
            packets = np.maximum(octets / np.where(octets < 400, 72, packet), 1).astype(np.uint64)
        return np.maximum(octets, packets * 46.0).astype(np.uint64), packets

    def _addresses(self, conversation: NDArray[np.void], side: str, v6: NDArray[np.bool_]) -> NDArray[np.uint8]:
        """Zipf-like hosts of each record's group, ``[n, 16]`` network order."""
        n, group = len(conversation), conversation[side]
        host = np.floor(np.exp(self._rng.random(n) * np.log(group["spread"] + 1.0))).astype(np.uint64)
        out = np.zeros((n, 16), np.uint8)
        scattered = (host * np.uint64(2654435761)) % np.maximum(group["spread"], 1)  # neighbours are not equally busy
        v4 = group["base"] + scattered + np.uint64(1)
        out[:, 10:12] = 0xFF
        out[:, 12:] = v4.astype(">u4").view(np.uint8).reshape(n, 4)
        high, low = (group["v6_high"] + host % np.uint64(16)).astype(">u8"), host.astype(">u8")
        six = np.stack([high, low], axis=1).view(np.uint8).reshape(n, 16)
        return np.where(v6[:, None], six, out)


_GROUP = np.dtype([("base", np.uint64), ("v6_high", np.uint64), ("spread", np.uint64)])
_TABLE = np.dtype(
    [("ours", _GROUP), ("theirs", _GROUP), ("asns", np.uint32, 2), ("interfaces", np.uint32, 2), ("v6", np.bool_),
     ("server_is_ours", np.bool_), ("port", np.uint16), ("protocol", np.uint8), ("packet_octets", np.float64),
     ("spread", np.float64), ("to_server_share", np.float64)]
)  # fmt: skip


def _tabulate(conversations: Sequence[_Conversation]) -> NDArray[np.void]:
    """What a record needs of its conversation, one row each."""
    return np.array(
        [
            (
                *((h.base, h.v6_base >> 64, h.spread) for h in (c.ours, c.theirs)),
                (c.ours.asn, c.theirs.asn), (c.near_if, c.far_if), bool(c.ours.v6_base and c.theirs.v6_base),
                c.server_is_ours, c.app.port, c.app.protocol, c.app.packet_octets, c.app.spread, c.to_server_share,
            )
            for c in conversations
        ],
        _TABLE,
    )  # fmt: skip


def _conversations(exporter: org.Exporter) -> list[_Conversation]:
    site = next(s for s in org.SITES if s.code == exporter.site)
    made = {"border": _border, "core": _core, "firewall": _firewall}[exporter.role](site)
    total = sum(c.peak_bps for c in made)
    return [replace(c, peak_bps=c.peak_bps * exporter.peak_bps * site.size / total) for c in made]


def _remote(remote: org.Remote) -> _Hosts:
    return _hosts(remote.prefix, remote.prefix_v6, 3000 if remote.kind == "eyeball" else 250, remote.asn)


def _border(site: org.Site) -> list[_Conversation]:
    """Customers and the public reach our services; our people and servers reach content and each other's clouds."""
    public, made = _site_hosts(site, "public"), []
    for i, remote in enumerate(org.REMOTES):
        near_home = 3.0 if remote.country == site.country else 1.0
        far = 3 if remote.kind == "content" else (1, 2)[i % 2]
        theirs, weight = _remote(remote), remote.weight * near_home
        if remote.kind == "eyeball":
            for app, part in (("web", 1.0), ("video", 1.6), ("http", 0.08)):
                made.append(
                    _Conversation(org.APPS[app], public, theirs, True, weight * part, 0.08, 10, far, site.utc_offset_h)
                )
        elif remote.kind == "content":
            for app, part in (("video_tcp", 0.8), ("video", 0.9), ("dns", 0.003), ("ntp", 0.001)):
                made.append(
                    _Conversation(org.APPS[app], public, theirs, False, weight * part, 0.05, 10, far, site.utc_offset_h)
                )
        else:
            made.append(
                _Conversation(org.APPS["web"], public, theirs, False, weight * 0.5, 0.3, 10, far, site.utc_offset_h)
            )
    upstream = _hosts("192.0.2.0/24", "", 8, 3356)
    made.append(_Conversation(org.APPS["bgp"], public, upstream, False, 0.01, 0.5, 10, 1, 0))
    return made


def _core(site: org.Site) -> list[_Conversation]:
    """East–west: storage, databases, messaging, and backups to the other sites at night."""
    servers, users = _site_hosts(site, "servers"), _site_hosts(site, "users")
    made = [
        _Conversation(org.APPS[app], ours, servers, False, weight, share, near, far, site.utc_offset_h)
        for app, ours, weight, share, near, far in (
            ("iscsi", servers, 30.0, 0.45, 2, 4), ("nfs", servers, 16.0, 0.3, 3, 4), ("kafka", servers, 12, 0.6, 2, 3),
            ("postgres", servers, 7.0, 0.2, 2, 3), ("smb", users, 8.0, 0.25, 1, 4), ("web", users, 9.0, 0.12, 1, 2),
            ("ldap", users, 0.4, 0.4, 1, 3), ("dns", users, 0.3, 0.4, 1, 3), ("ssh", users, 0.6, 0.3, 1, 2),
        )
    ]  # fmt: skip
    for other in org.SITES:
        if other.code != site.code:
            theirs = _site_hosts(other, "servers")
            made.append(
                _Conversation(
                    org.APPS["backup"], servers, theirs, False, 9.0 * other.size, 0.95, 4, 5, site.utc_offset_h
                )
            )
            made.append(_Conversation(org.APPS["kafka"], servers, theirs, False, 2.5 * other.size, 0.5, 2, 5, 0))
    return made


def _firewall(site: org.Site) -> list[_Conversation]:
    """People to SaaS and the Internet, servers to the clouds."""
    users, servers, made = _site_hosts(site, "users"), _site_hosts(site, "servers"), []
    for remote in org.REMOTES:
        theirs = _remote(remote)
        if remote.kind == "saas":
            app = "zoom" if remote.service == "Zoom" else "web"
            made.append(
                _Conversation(org.APPS[app], users, theirs, False, remote.weight, 0.3, 10, 1, site.utc_offset_h)
            )
            if remote.service == "Microsoft 365":
                made.append(_Conversation(org.APPS["imaps"], users, theirs, False, 4.0, 0.2, 10, 1, site.utc_offset_h))
        elif remote.kind == "cloud":
            far = 2 if remote.cloud == "AWS" else 3
            made.append(
                _Conversation(org.APPS["web"], servers, theirs, False, remote.weight, 0.55, 10, far, site.utc_offset_h)
            )
            made.append(
                _Conversation(org.APPS["postgres"], servers, theirs, False, remote.weight * 0.2, 0.3, 10, far, 0)
            )
        elif remote.kind == "content":
            made.append(
                _Conversation(
                    org.APPS["web"], users, theirs, False, remote.weight * 0.6, 0.07, 10, 1, site.utc_offset_h
                )
            )
            made.append(
                _Conversation(
                    org.APPS["video"], users, theirs, False, remote.weight * 0.5, 0.04, 10, 1, site.utc_offset_h
                )
            )
    resolver = _hosts("1.1.1.0/24", "", 2, 13335)
    made.append(_Conversation(org.APPS["dns"], users, resolver, False, 0.5, 0.4, 10, 1, site.utc_offset_h))
    return made
