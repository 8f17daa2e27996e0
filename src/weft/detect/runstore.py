"""The telemetry of a run in a store of its own while it is replayed: series are asked for as they are live."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import structlog

from weft.detect import registry
from weft.detect.backtest import History
from weft.detect.context import Context
from weft.detect.detector import SeriesDetector
from weft.detect.frames import MatrixFrames
from weft.detect.names import InventoryNames, facts
from weft.detect.runfolder import NS, RunFolder, spans_of, times_of
from weft.detect.runnames import RunInventory
from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.model.dictionaries import DICTIONARIES, Attribute
from weft.query.config import QueryConfig
from weft.query.engine import QueryEngine
from weft.store.clickhouse import TABLES
from weft.store.config import MOST_DAYS, StoreConfig
from weft.store.open import open_store
from weft.store.telemetry import TelemetryStore

log = structlog.get_logger(__name__)

_BATCH_ROWS = 1 << 19
#: Of the settings of enrichment → file of a run.
_TABLE_FILES = {
    "prefixes": "prefixes.csv", "asns": "asns.csv", "exporters": "exporters.csv", "interfaces": "interfaces.csv",
    "sites": "sites.csv", "services": "services.csv", "customers": "customers.csv", "providers": "providers.csv",
    "applications": "apps.csv",
}  # fmt: skip
_DICTIONARIES = {dictionary.name: dictionary for dictionary in DICTIONARIES}


@contextmanager
def opened(run: RunFolder, detectors: Sequence[str], until_s: float | None = None) -> Iterator[History]:
    """History of a run for these detectors. Where one watches series, the tables it asks are loaded first.

    Rows from ``until_s`` on (UTC seconds) are not loaded.

    They lie in the system's temporary directory until the end: some three times what the run's files take. Raises
    ``InvalidInput`` for a detector that there is not, ``StoreUnavailable`` or ``Failed``.
    """
    inventory = RunInventory(run.path / "reference")
    names, known = InventoryNames(inventory), facts(inventory)
    made = [registry.make(name, Context(names)) for name in detectors]
    wanted = sorted({one.watch.dataset for one in made if isinstance(one, SeriesDetector)})
    if not wanted:
        yield History(run, names, networks=names.networks, facts=known)
        return
    with tempfile.TemporaryDirectory(prefix="weft-backtest-") as folder, _store(Path(folder)) as store:
        _name(store, run.path / "reference")
        for table in wanted:
            _load(store, run, table, run.until_s if until_s is None else until_s)
        store.flush()
        # "Now" is the end of the run: what is asked lies before it.
        questions = QueryEngine(
            store, QueryConfig(), retention_days=dict.fromkeys(_kept(), MOST_DAYS), clock=lambda: run.until_s
        )
        yield History(run, names, MatrixFrames(questions, names), names.networks, known)


@contextmanager
def _store(folder: Path) -> Iterator[TelemetryStore]:
    """A store that lets nothing expire: a run can be of any year."""
    config = StoreConfig(data_dir=folder, retention_days=dict.fromkeys(_kept(), MOST_DAYS), partition="day")
    store = open_store(config)
    store.start()
    try:
        yield store
    finally:
        store.stop()


def _kept() -> Iterable[str]:
    """Names of everything that expires."""
    for table in TABLES:
        yield table.name
        yield from (rollup.name for rollup in table.rollups)


def _name(store: TelemetryStore, reference: Path) -> None:
    """What ids in rows and addresses of exporters mean, from the run's reference tables."""
    files = {name: [reference / file] for name, file in _TABLE_FILES.items() if (reference / file).exists()}
    enricher = Enricher(EnrichConfig.model_validate(files))
    for name, rows in enricher.dictionary_rows().items():
        dictionary = _DICTIONARIES[name]
        columns = enricher.user_columns(name) if dictionary.extensible else {}
        if columns:
            own = [Attribute(column, meaning) for column, meaning in columns.items()]
            dictionary = store.ensure_dictionary_columns(dictionary, own)
        store.upsert_dictionary(dictionary, list(rows))


def _load(store: TelemetryStore, run: RunFolder, table: str, until_s: float) -> None:
    """Every row of a table up to a time."""
    (declared,) = (one for one in TABLES if one.name == table)
    until_ns, rows = round(until_s * NS), 0
    for path in run.files(table):
        with pq.ParquetFile(path, pre_buffer=False) as file:
            groups = [group for first_ns, _, group in spans_of(file, declared.time.name) if first_ns < until_ns]
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=groups) if groups else ():
                early = times_of(batch, declared.time.name) < until_ns
                kept = batch if early.all() else batch.filter(pa.array(early))
                store.insert(declared, kept)
                rows += kept.num_rows
    log.info("run_loaded", table=table, rows=rows)
