"""The stage itself: fills the columns of a batch from tables that are swapped whole.

``enrich`` is called by the decode thread; everything else by any thread. A reload reads the files that changed, builds
new lookup tables beside the old ones and puts them in place with one assignment, so a batch sees either all of the old
or all of the new and never waits.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import structlog
from numpy.typing import NDArray

from weft.enrich.applications import PortTable, build_port_table, classify_ports
from weft.enrich.config import EnrichConfig
from weft.enrich.epochs import Epochs, Part
from weft.enrich.explain import Explanation, explain
from weft.enrich.ids import Content, IdRegistry
from weft.enrich.interfaces import Devices, Row
from weft.enrich.kernels import fill, origin_codes
from weft.enrich.merge import Merged, merge
from weft.enrich.names import Written
from weft.enrich.prefixes import packed_address, prefix_table
from weft.enrich.references import References
from weft.enrich.routing import Found, RouteLookups, Side
from weft.enrich.sources import TableStatus
from weft.enrich.stated import Stated
from weft.enrich.tableset import TableSet
from weft.enrich.tell import FLOWS as FLOWS_ORIGIN
from weft.enrich.tell import SCOPE, TABLES, Observe, exporter_facts, table_facts
from weft.model.dictionaries import APPLICATIONS, ASNS, NETWORKS, PATHS, REFERENCE_COLUMNS, REFERENCES
from weft.model.exporters import InterfaceFact
from weft.model.flows import FLOWS
from weft.model.inventory import KnownDevice

#: Above every database, below every table that people keep for enrichment, unless they say otherwise.
INVENTORY_PRIORITY = 50
_FROM_INVENTORY = ("site", "service", "customer")

Networks = Sequence[tuple[str, Mapping[str, str]]]
Known = Mapping[str, Iterable[Mapping[str, Any]]]
log = structlog.get_logger(__name__)

UInt32s: TypeAlias = "pa.Array[Any]"
_NO_AS = np.zeros(0, np.uint32)


@dataclass(slots=True)
class EnrichCounters:
    """What the stage did since it was made. A flow has two addresses, so the middle two can reach twice ``rows``."""

    rows: int = 0
    addresses_with_network: int = 0
    addresses_with_as: int = 0
    addresses_with_route: int = 0
    applications_named: int = 0
    reloads: int = 0


@dataclass(frozen=True, slots=True)
class _Tables:
    """Everything that a batch is enriched from, and what its ids mean."""

    epochs: Epochs
    ports: PortTable
    applications: Mapping[int, Content]
    as_names: Mapping[int, tuple[str, str]]
    rewrite_as: bool
    """Whether ``src_as`` and ``dst_as`` can come out different from what the exporter sent."""

    @property
    def merged(self) -> Merged:
        """The prefix tables as they hold now."""
        return self.epochs.at(int(time.time()))


class Enricher:
    """Fills ``src_as``, ``dst_as``, ``src_net``, ``dst_net`` and ``app`` of decoded flows, and names those ids.

    ``known`` tells what the store's dictionaries hold already, rows by dictionary name (of versioned ones the newest
    last): ids given out before stay with their attributes, and what is stored is not written again. Tables that are
    missing or bad are reported by ``tables`` and never keep the stage from working.

    Tables are read by ``start``, which also begins to look for changes, or else by the first use.
    """

    def __init__(self, config: EnrichConfig, known: Callable[[], Known] | None = None) -> None:
        self._config = config
        self._known = known
        self._origins = origin_codes(config.as_from)
        self._lock = threading.RLock()
        self._loaded: _Tables | None = None
        self._written = Written()
        self._networks, self._applications = IdRegistry(), IdRegistry()
        self._set = TableSet(config)
        self._devices = Devices()
        self._references = References()
        self._zeros = np.zeros(0, np.uint64)
        self.routes = RouteLookups(config.routes_memory)
        """What flows are told of the routes of their exporters."""
        self._networks_known: Networks = ()
        self._observe: Observe | None = None
        self._unnamed = False  # whether dictionary rows may have changed since they were last asked for
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self.counters = EnrichCounters()

    def start(self) -> None:
        """Read the tables and begin to look for changes."""
        self._load()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._watch, name="weft-tables", daemon=True)
        self._thread.start()
        self.routes.start()

    def stop(self) -> None:
        """Stop looking for changes; enriching stays possible."""
        self.routes.stop()
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _watch(self) -> None:
        while not self._stopping.wait(self._config.reload_interval_s):
            try:
                self.reload()
                # What begins to hold before the next look is merged here, so that no flow waits for it.
                self._load().epochs.at(int(time.time() + 2 * self._config.reload_interval_s))
            except Exception:
                log.exception("reload_failed")

    def _load(self) -> _Tables:
        """The tables in use, read now if this is the first use."""
        with self._lock:
            if self._loaded is None:
                known = self._known() if self._known is not None else {}
                self._networks = IdRegistry(self._written.remember(NETWORKS, known.get("networks", ())))
                applications = self._written.remember(APPLICATIONS, known.get("applications", ()))
                self._applications = IdRegistry({n: _name_only(content) for n, content in applications.items()})
                self._written.remember(ASNS, known.get("asns", ()))
                for dictionary in ("exporters", "interfaces"):
                    for row in known.get(dictionary, ()):
                        self._devices.remember(dictionary, row)
                for kind, reference in REFERENCES.items():
                    self._references.remember(kind, known.get(reference.name, ()))
                self._set.refresh()
                self._devices.use(self._set.device_tables())
                self._references.use(self._set.stated())
                self._unnamed = True
                self._loaded = self._build(None, set())
            return self._loaded

    def _build(self, old: _Tables | None, changed: set[str]) -> _Tables:
        """New lookup tables; those that nothing changed for are taken over from ``old``."""
        applications: Mapping[int, Content]
        if old is None or changed & {"prefixes", "mmdb"}:
            edges = {edge for _, table in self._set.prefix_tables() for edge in table.edges()}
            epochs = Epochs(self._merge, edges, int(time.time()))
        else:
            epochs = old.epochs
        if old is None or "applications" in changed:
            ports, applications = self._build_ports()
        else:
            ports, applications = old.ports, old.applications
        as_from = self._config.as_from
        has_asn = epochs.dated or epochs.at(0).has_asn
        keeps = as_from[0] == "flow" and not ("table" in as_from and has_asn)
        return _Tables(epochs, ports, applications, self._set.as_names(), rewrite_as=not keeps)

    def _merge(self, second: int) -> Merged:
        """The prefix tables as they hold at a time; new attributes get their dictionary rows soon."""
        with self._lock:
            self._unnamed = True
            return merge([table for _, table in self._set.prefix_tables(second)], self._networks)

    def _build_ports(self) -> tuple[PortTable, dict[int, Content]]:
        rules = self._set.application_rules()
        categories = {rule.name: rule.category for rule in rules}
        numbers = self._applications.ids_of((("name", name),) for name in categories)
        ids = {content[0][1]: number for content, number in numbers.items()}
        contents: dict[int, Content] = {
            ids[name]: tuple((k, v) for k, v in (("category", category), ("name", name)) if v)
            for name, category in categories.items()
        }
        return build_port_table(rules, ids), contents

    def enrich(self, flows: pa.RecordBatch) -> pa.RecordBatch:
        """Rows of the ``flows`` table for decoded ``flows``; columns that stay as they are share their memory."""
        tables, n = self._loaded or self._load(), flows.num_rows
        new: dict[str, UInt32s] = {}
        found = self.routes.find(_column(flows, "exporter", np.uint64).reshape(n, 2)) if n else None
        if n and (tables.epochs.dated or tables.merged.prefixes or tables.rewrite_as or found is not None):
            parts = list(tables.epochs.parts(_column(flows, "time_received", np.int64)))
            for side in ("src", "dst"):
                routed = None if found is None else self._add_routes(flows, found, side, new)
                self._add_side(flows, tables, parts, side, routed, new)
        else:
            new["src_net"] = new["dst_net"] = self._zero_column(n)
        if found is None:
            new["src_path"] = new["dst_path"] = _wrap(self._zero_words(n))
        new["app"] = self._app_column(flows, tables.ports)
        self.counters.rows += n
        columns = [new[name] if name in new else flows.column(name) for name in FLOWS.schema.names]
        return pa.RecordBatch.from_arrays(columns, schema=FLOWS.schema)

    def _add_side(
        self, flows: pa.RecordBatch, tables: _Tables, parts: Sequence[Part], side: str, routed: Side | None,
        new: dict[str, UInt32s],
    ) -> None:  # fmt: skip
        """Look up one side's addresses and add its network and, where it may differ, its AS column."""
        n = flows.num_rows
        addresses = _column(flows, f"{side}_addr", np.uint64).reshape(n, 2)
        sent = _column(flows, f"{side}_as", np.uint32)
        route_as = _NO_AS if routed is None else routed.origin_as
        out_as, out_net = np.empty(n, np.uint32), np.empty(n, np.uint32)
        with_as = with_net = 0
        for rows, merged in parts:
            if rows is None:
                entry = merged.index.lookup(addresses)
                found = fill(entry, merged.entries, sent, route_as, self._origins, out_as, out_net)
            else:
                entry, own = merged.index.lookup(addresses[rows]), sent[rows]
                own.flags.writeable = False  # as the whole column is: see `_column`
                part_as, part_net = np.empty(len(rows), np.uint32), np.empty(len(rows), np.uint32)
                own_as = route_as[rows] if len(route_as) else route_as
                found = fill(entry, merged.entries, own, own_as, self._origins, part_as, part_net)
                out_as[rows], out_net[rows] = part_as, part_net
            with_as, with_net = with_as + found[0], with_net + found[1]
        self.counters.addresses_with_as += with_as
        self.counters.addresses_with_network += with_net
        new[f"{side}_net"] = _wrap(out_net)
        if tables.rewrite_as or routed is not None:
            new[f"{side}_as"] = _wrap(out_as)

    def _add_routes(self, flows: pa.RecordBatch, found: Found, side: str, new: dict[str, UInt32s]) -> Side:
        """Look one side's addresses up in the routes of their exporters, and add what the exporter did not send."""
        n = flows.num_rows
        hops = _column(flows, "next_hop", np.uint64).reshape(n, 2) if side == "dst" else None
        masks = _column(flows, f"{side}_mask", np.uint8)
        routed = found.side(_column(flows, f"{side}_addr", np.uint64).reshape(n, 2), masks, hops)
        self.counters.addresses_with_route += int(np.count_nonzero(routed.path))
        new[f"{side}_path"] = _wrap(routed.path)
        new[f"{side}_mask"] = _wrap(routed.mask)
        if hops is not None:
            new["next_hop"] = _wrap(routed.next_hop, flows.schema.field("next_hop").type)
        return routed

    def _app_column(self, flows: pa.RecordBatch, ports: PortTable) -> UInt32s:
        n = flows.num_rows
        if not n or ports.empty:
            return self._zero_column(n)
        app = np.empty(n, np.uint32)
        self.counters.applications_named += classify_ports(
            _column(flows, "protocol", np.uint8),
            _column(flows, "src_port", np.uint16),
            _column(flows, "dst_port", np.uint16),
            ports.by_port,
            ports.by_protocol,
            ports.row,
            ports.ids,
            app,
        )
        return _wrap(app)

    def _zero_column(self, n: int) -> UInt32s:
        """``n`` zeros out of one block of them that all batches share."""
        return _wrap(self._zero_words(n).view(np.uint32)[:n])

    def _zero_words(self, n: int) -> NDArray[np.uint64]:
        if len(self._zeros) < n:
            self._zeros = np.zeros(n, np.uint64)
        return self._zeros[:n]

    def reload(self) -> bool:
        """Read the tables that changed and put them to use; True if any did. A bad file keeps its last good rows."""
        with self._lock:
            old = self._load()
            changed = self._set.refresh()
            if not changed:
                return False
            self._loaded = self._build(old, changed)
            if changed & {"exporters", "interfaces", "interface rules"}:
                self._devices.use(self._set.device_tables())
            self._references.use(self._set.stated())
            self._unnamed = True
            self.counters.reloads += 1
        return True

    def dictionary_rows(self) -> dict[str, list[Row]]:
        """Rows by dictionary name that are new or changed since the last call (at first: since what was ``known``)."""
        with self._lock:
            tables = self._load()
            rows = self._devices.changes(int(time.time()))
            if self._unnamed:
                self._unnamed = False
                names: dict[int, Content] = {n: (("name", name),) for n, (name, _) in tables.as_names.items()}
                rows["networks"] = self._written.changes(NETWORKS, dict(tables.epochs.networks))
                rows["applications"] = self._written.changes(APPLICATIONS, tables.applications)
                rows["asns"] = self._written.changes(ASNS, names)
                rows |= self._references.changes(int(time.time()))
        rows[PATHS.name] = self.routes.rows()
        self._tell()
        return {name: found for name, found in rows.items() if found}

    def tell(self, observe: Observe) -> None:
        """Tell the inventory what tables say of devices and what exporters tell of themselves, from now on."""
        self._observe = observe

    def _tell(self) -> None:
        if self._observe is None:
            return
        tables = self._devices.tables_to_tell()
        if tables is not None:
            self._observe(TABLES, SCOPE, list(table_facts(tables)))
        for address, interfaces in self._devices.exporters_to_tell().items():
            self._observe(FLOWS_ORIGIN, str(address), list(exporter_facts(address, interfaces)))

    def use_inventory(self, devices: Mapping[str, KnownDevice], networks: Networks = ()) -> None:
        """Take what the inventory knows: the device at each address, and attributes of prefixes.

        Tables win over it; it wins over what exporters tell.
        """
        self._devices.use_inventory(devices)
        self.routes.use_inventory(devices)
        with self._lock:
            if networks == self._networks_known:
                return
            self._networks_known = networks
            self._set.inventory = prefix_table(networks, _FROM_INVENTORY, INVENTORY_PRIORITY)
            if self._loaded is not None:
                self._loaded = self._build(self._loaded, {"prefixes"})
                self._unnamed = True

    def learn(self, facts: Iterable[InterfaceFact]) -> None:
        """Take interface names from the wire; their rows come with the next ``dictionary_rows``."""
        self._devices.learn(facts)

    def saw(self, exporters: Iterable[str]) -> None:
        """Take note of exporters that send (textual addresses), so that each has a dictionary row."""
        self._devices.saw(exporters)

    def classify(self, fact: InterfaceFact) -> Row:
        """The row of the interfaces dictionary that ``fact``, the tables and the rules make together.

        Raises:
            InvalidInput: the fact's exporter is not an address.
        """
        self._load()
        return self._devices.classify(fact)

    def user_columns(self, dictionary: str = NETWORKS.name) -> dict[str, str]:
        """Attributes of a dictionary beyond the built-in ones: name → meaning, as declared or found in tables."""
        if dictionary != NETWORKS.name:
            with self._lock:
                names = self._references.columns().get(dictionary.removeprefix("ref_"), ())
            return {name: self._config.columns.get(name) or REFERENCE_COLUMNS.get(name, "") for name in names}
        own = {attribute.name for attribute in NETWORKS.attributes} | {"asn"}
        columns = {name: meaning for name, meaning in self._config.columns.items() if name not in own}
        with self._lock:
            self._load()
            tables = self._set.prefix_tables()
        for name, table in tables:
            for column in table.columns:
                if column not in own:
                    columns.setdefault(column, f"From {name}.")
        return columns

    def tables(self) -> list[TableStatus]:
        """Every reference table: rows, columns it fills, when it was read, what is wrong with it."""
        with self._lock:
            self._load()
            return self._set.status()

    def references(self) -> Mapping[str, Sequence[tuple[str, Sequence[Stated]]]]:
        """Rows of reference tables beyond what Weft itself has a use for, by kind and table."""
        with self._lock:
            self._load()
            return dict(self._references.tables())

    def locate(self, addresses: NDArray[np.uint8]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
        """AS and row of ``networks`` of each address (n × 16, IPv4-mapped), by the tables alone; 0 = not known."""
        tables = self._loaded or self._load()
        entry = tables.merged.index.lookup(addresses)
        return tables.merged.entries[entry, 0], tables.merged.entries[entry, 1]

    def network_values(self, attribute: str) -> dict[int, str]:
        """What each row of ``networks`` in use says of an attribute, by its number; those that say nothing left out."""
        networks = (self._loaded or self._load()).merged.networks
        return {number: value for number, content in networks.items() for name, value in content if name == attribute}

    def explain(self, address: str) -> Explanation:
        """What is known of an address, and which table and prefix say so.

        Raises:
            InvalidInput: it is not an address.
        """
        packed = np.frombuffer(packed_address(address), np.uint8)
        with self._lock:
            tables, contents = self._load(), self._set.prefix_tables()
        entry = int(tables.merged.index.lookup(packed.reshape(1, 16))[0])
        filled = explain(address, contents, tables.as_names)
        return Explanation(address, filled, int(tables.merged.entries[entry, 1]))


def _name_only(content: Content) -> Content:
    return tuple(item for item in content if item[0] == "name")


def _column(batch: pa.RecordBatch, name: str, dtype: type[np.generic]) -> NDArray[Any]:
    """The numbers of a fixed-width column, not copied; addresses as pairs of words in memory order.

    Marked read-only because kernels are compiled once more for every kind of array they meet.
    """
    column = batch.column(name)
    width = column.type.bit_width // 8
    buffer = column.buffers()[1]
    assert buffer is not None
    size = np.dtype(dtype).itemsize
    count, offset = len(column) * width // size, column.offset * width
    values: NDArray[Any] = np.frombuffer(memoryview(buffer), dtype, count=count, offset=offset)
    if not values.flags.aligned:
        values = values.copy()
    values.flags.writeable = False
    return values


def _wrap(values: NDArray[Any], kind: pa.DataType | None = None) -> UInt32s:
    """A column that shares the memory of ``values``; ``kind`` is needed where they are no plain numbers."""
    return pa.Array.from_buffers(
        kind or pa.from_numpy_dtype(values.dtype), len(values), [None, pa.py_buffer(values.data)]
    )
