"""Synthetic tests, business series and cloud logs of a scenario, through the code that reads them live."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from weft.collect.business import Value, value_of
from weft.collect.business.values import rows_of
from weft.collect.cloud.bucket import Listed
from weft.collect.cloud.part import marked
from weft.collect.synthetics.results import batch_of_rows
from weft.collect.synthetics.rows import RowReader
from weft.decode.cloud import CloudDecoder, Options
from weft.model.addresses import packed
from weft.model.business import BUSINESS
from weft.model.cloud import CLOUD_FLOWS
from weft.model.probes import HOPS, PROBES
from weft.model.synthetics import SyntheticTest, runs_on
from weft.twin import organisation as org
from weft.twin.agents.prober import Prober, Run
from weft.twin.business import sign_ins, sold, tickets
from weft.twin.cloud_logs import INTERVAL_S, azure_records
from weft.twin.demo_cloud import interval_files
from weft.twin.demo_synthetics import synthetic_tests
from weft.twin.faults.places import agent_name
from weft.twin.probing import Weather, agent_address, hop_address
from weft.twin.run.jobs import Job, Rows, Stage
from weft.twin.run.telemetry import chunks

_NS = 1_000_000_000
_PROBES_S, _BUSINESS_S = 1800.0, 3600.0
_MOST_ROWS = 1 << 20


def probe_runs(stage: Stage, job: Job) -> Iterator[tuple[float, list[Run]]]:
    """What the agent of a site measured, each chunk with the time at which it is reported."""
    site = org.AGENT_SITES[job.number].code
    sites = {one.code: agent_name(one.code) for one in org.AGENT_SITES}
    prober = Prober(sites[site], site, sites, Weather(stage.timeline), stage.since_s)
    tests = [SyntheticTest.model_validate(one) for one in synthetic_tests()]
    mine = [
        (one, [n for n in sites.values() if n != prober.name and runs_on(one, n)])
        for one in tests
        if runs_on(one, prober.name)
    ]
    for since_s, until_s in chunks(stage.since_s, stage.until_s, _PROBES_S):
        runs = [run for test, peers in mine for run in prober.runs(test, peers, since_s, until_s)]
        yield until_s, runs


def probe_rows(stage: Stage, job: Job) -> Rows:
    """Rows of ``hops`` and ``probes``."""
    names = frozenset(str(one["name"]) for one in synthetic_tests())
    site = org.AGENT_SITES[job.number].code
    devices = {packed(hop_address(device.name)): device.name for device in org.DEVICES}
    readers = {table.name: RowReader(table) for table in (HOPS, PROBES)}
    for told_s, runs in probe_runs(stage, job):
        for table, told in ((HOPS, [hop for run in runs for hop in run.hops]), (PROBES, [run.probe for run in runs])):
            read = readers[table.name].read(told, names, _MOST_ROWS)
            if len(read):
                yield table, batch_of_rows(
                    table, agent_name(site), packed(agent_address(site)), read, int(told_s * _NS), stage.enricher,
                    lambda address: devices.get(address, ""),
                )  # fmt: skip


def business_values(stage: Stage) -> Iterator[tuple[str, float, list[Value]]]:
    """Source (``shop``, ``helpdesk``, ``acme-identity``), time of telling, and values, hour by hour."""
    timeline = stage.timeline
    for since_s, until_s in chunks(stage.since_s, stage.until_s, _BUSINESS_S):
        minutes = range(int(since_s) // 60 * 60, int(until_s) // 60 * 60, 60)
        shop = [
            value_of(series, one.time_s * _NS, value, {"site": one.site, "product": one.product}, unit)
            for minute in minutes
            for one in sold(timeline, minute)
            for series, value, unit in (("orders_per_minute", one.orders, "orders/min"),
                                        ("revenue_per_minute", one.revenue, "USD/min"))
        ]  # fmt: skip
        yield "shop", until_s, shop
        yield "helpdesk", until_s, list(_tickets(stage, since_s, until_s))
        yield (
            "acme-identity",
            until_s,
            [
                value_of("sign_ins", minute * _NS, count, {"site": site, "result": result}, "sign-ins/min")
                for minute in minutes
                for site, result, count in sign_ins(timeline, minute)
            ],
        )


def _tickets(stage: Stage, since_s: float, until_s: float) -> Iterator[Value]:
    for opened, site, service, hours in tickets(stage.timeline, since_s, until_s):
        at_ns = int(datetime.strptime(opened, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp()) * _NS
        labels = {"site": site, "service": service}
        yield value_of("tickets", at_ns, 1, labels, "tickets")
        yield value_of("ticket_hours", at_ns, hours, labels, "h")


def business_rows(stage: Stage, _: Job) -> Rows:
    """Rows of ``business``."""
    how = {"shop": "file", "helpdesk": "sql", "acme-identity": "push"}
    for name, told_s, values in business_values(stage):
        if values:
            yield BUSINESS, rows_of(values, how[name], name, int(told_s * _NS))


def cloud_files(stage: Stage) -> Iterator[tuple[str, float, bytes]]:
    """Flow logs as they appear in buckets: path below the folder, time at which it does, content."""
    first, last = int(stage.since_s) // INTERVAL_S, int(stage.until_s) // INTERVAL_S
    azure: list[dict[str, object]] = []
    for start_s in range(first * INTERVAL_S, last * INTERVAL_S, INTERVAL_S):
        done_s = float(start_s + INTERVAL_S)
        for place, make in interval_files(stage.timeline, start_s):
            yield place, done_s, make()
        azure += azure_records(stage.timeline, start_s)
        if done_s % 3600 == 0 or done_s + INTERVAL_S > stage.until_s:
            hour = time.strftime("y=%Y/m=%m/d=%d/h=%H/m=00", time.gmtime(start_s))
            yield f"azure/{hour}/PT1H.json", done_s, json.dumps({"records": azure}, separators=(",", ":")).encode()
            azure = []


def cloud_rows(stage: Stage, _: Job) -> Rows:
    """Rows of ``cloud_flows``."""
    for place, done_s, content in cloud_files(stage):
        done_ns = int(done_s * _NS)
        data = gzip.decompress(content) if place.endswith(".gz") else content
        decoder = CloudDecoder(Options(), done_ns)
        listed = Listed(place, place, len(content), done_ns)
        for batch in (*decoder.feed(data), *decoder.finish()):
            yield CLOUD_FLOWS, marked(batch, listed)
