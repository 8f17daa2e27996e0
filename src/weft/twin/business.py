"""What Acme's network is for: orders, sign-ins and tickets, as a function of the timeline and the clock.

People buy and sign in when they are awake; while lines, devices, names or servers fail, orders through the sites that
suffer dip, sign-ins fail, and somebody opens a ticket. A crowd buys more. Nothing here has state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import numpy as np

from weft.twin import organisation as org
from weft.twin.cluster import layout as cluster
from weft.twin.demand import activity
from weft.twin.faults import effects
from weft.twin.faults.impact import orders_kept
from weft.twin.faults.model import Fault
from weft.twin.timeline import Timeline

PRODUCTS = {"web": 1.0, "app": 0.7, "partner": 0.25}
SERVICES = ("people", "servers", "public services", "Microsoft 365", "Salesforce")
#: Mean price of an order, USD.
_PRICE = {"web": 61.0, "app": 44.0, "partner": 310.0}
_PEAK_ORDERS = 240.0  # per minute and site of size 1
_FELT = 0.15  # of a site's orders: what people notice
_NOTICED_S = 900.0  # for so long after a fault tickets come


class Sold(NamedTuple):
    """A minute of one site and product."""

    time_s: int
    site: str
    product: str
    orders: float  # per minute
    revenue: float  # USD per minute


def _activity(site: org.Site, minute_s: int) -> float:
    return float(activity("evening", np.array([float(minute_s)]), site.utc_offset_h)[0])


def _health(timeline: Timeline, minute_s: int) -> Callable[[str, str], float]:
    """Share of orders that a site takes of a product in a minute; 1 unless something is broken, more in a crowd."""
    faults = list(timeline.faults(minute_s, minute_s + 60))
    moments = minute_s + 5.0 + 10.0 * np.arange(6)

    def health(site: str, product: str) -> float:
        lost, drawn = 1.0, 1.0
        for one in faults:
            kept = float(np.mean([orders_kept(one, site, product, at) for at in moments]))
            lost, drawn = min(lost, kept), max(drawn, kept)
        return lost * drawn

    return health


def sold(timeline: Timeline, minute_s: int) -> Iterator[Sold]:
    """Orders of every site and product in the minute that begins then."""
    rng, health = np.random.default_rng([timeline.seed, 11, minute_s // 60]), _health(timeline, minute_s)
    for site in org.SITES:
        base = _PEAK_ORDERS * site.size * _activity(site, minute_s)
        for product, share in PRODUCTS.items():
            orders = float(rng.poisson(max(base * share * health(site.code, product), 0.2)))
            yield Sold(minute_s, site.code, product, orders, round(orders * _PRICE[product] * rng.uniform(0.9, 1.1), 2))


def sign_ins(timeline: Timeline, minute_s: int) -> Iterator[tuple[str, str, float]]:
    """Site, result and number of sign-ins in a minute."""
    rng, health = np.random.default_rng([timeline.seed, 13, minute_s // 60]), _health(timeline, minute_s)
    for site in org.SITES:
        tries = float(rng.poisson(90 * site.size * _activity(site, minute_s) + 2))
        failed = round(tries * min(0.9, 0.02 + 1.2 * max(0.0, 1 - health(site.code, "web"))))
        yield site.code, "ok", tries - failed
        yield site.code, "failed", float(failed)


def tickets(timeline: Timeline, since_s: float, until_s: float) -> Iterator[tuple[str, str, str, int]]:
    """Tickets opened between two times: when (UTC), site, service, how many hours of work they took."""
    for one in timeline.faults(since_s - _NOTICED_S, until_s):
        rng, where = np.random.default_rng([timeline.seed, 17, int(one.start_s)]), _where(one)
        is_felt = bool(where) and orders_kept(one, where, "app", one.start_s + 30) < 1 - _FELT
        for _ in range(int(rng.poisson(1.6 if is_felt else 0.3))):
            opened = one.start_s + float(rng.uniform(30, _NOTICED_S))
            service, hours = SERVICES[int(rng.integers(len(SERVICES)))], int(rng.integers(1, 9))
            if since_s <= opened < until_s:
                stamp = f"{datetime.fromtimestamp(opened, UTC):%Y-%m-%d %H:%M:%S}"
                yield stamp, where or org.SITES[int(rng.integers(6))].code, service, hours


def _where(one: Fault) -> str:
    """The site at which a fault is first noticed; empty where that could be any."""
    if one.device in cluster.BY_NAME:
        return cluster.SITE
    is_prefix = one.target[:1].isdigit() and "/" in one.target
    return one.device.partition("-")[0] or next(iter(effects.sites_of(one.target) if is_prefix else ()), "")
