"""Bodies of remote-write requests to rows of the metrics table."""

from __future__ import annotations

import secrets
import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from weft.decode.kernels import kernel
from weft.decode.prometheus import found as f
from weft.decode.prometheus.rules import COUNTER, GAUGE, Meaning, Rules, read_rules
from weft.decode.prometheus.series import COMPONENT, HOST, LABELS, METRIC, NAME, SeriesTable
from weft.decode.prometheus.snappy import decompress
from weft.decode.prometheus.unfold import unfold
from weft.decode.prometheus.walk_one import walk_one
from weft.decode.prometheus.walk_two import walk_two
from weft.errors import InvalidInput
from weft.model.metrics import METRIC_SOURCES, METRICS
from weft.model.rows import batch_of

_SOURCE = next(number for number, name in METRIC_SOURCES.items() if name == "prometheus")
_MOST_MS = 9_000_000_000_000  # year 2255: beyond it nanoseconds overflow
_MOST_INTERVAL_MS = 6 * 3600 * 1000
_MOST_SYMBOLS = 1 << 20
_MOST_FAMILIES = 100_000
#: prometheus.MetricMetadata.MetricType, and the same numbers in 2.0.
_COUNTER, _GAUGE, _HISTOGRAM, _GAUGE_HISTOGRAM, _SUMMARY, _INFO, _STATE_SET = range(1, 8)
_PARTS = ("", "_count", "_sum")
_SUFFIXES = ("_total", "_bucket", "_count", "_sum", "_created", "_info")
_FLAGS = {f.MANY_LABELS: "too_many_labels", f.LONG_LABELS: "labels_too_long", f.BAD_LABELS: "bad_labels"}


@dataclass(slots=True)
class Decoded:
    """What a request held.

    ``skipped`` counts samples that were understood and are not kept, by reason; ``refused`` those that are wrong, by
    reason: the sender must hear of them.
    """

    rows: pa.RecordBatch
    samples: int = 0
    histograms: int = 0
    exemplars: int = 0
    samples_refused: int = 0
    histograms_refused: int = 0
    skipped: dict[str, int] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    keys: NDArray[np.uint64] = field(default_factory=lambda: np.empty(0, np.uint64))
    times_ms: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    starts_ms: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))


class RemoteWriteDecoder:
    """Knows the series it met and the types of metrics it was told. Thread-safe."""

    def __init__(self, rules: Rules | None = None, *, most_series: int = 1_000_000, most_bytes: int = 64 << 20) -> None:
        self._rules = rules if rules is not None else read_rules()
        self._most_bytes = most_bytes
        self._seed = np.uint64(secrets.randbits(64))
        self._table = SeriesTable(most_series)
        self._families: dict[str, int] = {}  # family → type as the sender's metadata gives it
        self._types: NDArray[np.uint8] = np.zeros(64, np.uint8)  # by number of the sender's own name; 0 = to be found
        self._requests = 0
        self._lock = threading.Lock()

    @property
    def series(self) -> int:
        """Series known."""
        return self._table.count

    def decode(self, body: bytes, now_ns: int, *, version: int = 1) -> Decoded:
        """The rows of a request; ``version`` is the major version of remote write. Raises ``InvalidInput``."""
        data = decompress(body, self._most_bytes)
        found = f.room_for(len(data))
        if version == 1:
            status = walk_one(data, self._seed, found)
        else:
            most = min(len(data) // 2 + 1, _MOST_SYMBOLS)
            status = walk_two(data, self._seed, found, np.empty((most, 2), np.int64), np.empty(most, np.uint64))
        _check(status)
        if found.counts[f.N_HISTOGRAMS]:
            _check(unfold(found))
        plain: Any = memoryview(data)  # type: ignore[arg-type]  # numpy's stubs for 3.11 do not tell
        with self._lock:
            self._requests += 1
            self._metadata(found, plain)
            return self._rows(found, plain, now_ns)

    def taken(self, decoded: Decoded) -> None:
        """The rows are kept: what comes again with the same time is a duplicate from now on."""
        with self._lock:
            ids, _ = self._table.ids(decoded.keys, self._requests)
            known = ids >= 0
            newest = known & (decoded.times_ms >= self._table.last_ms[ids])
            self._table.last_value[ids[newest]] = decoded.values[newest]  # of several the last
            np.maximum.at(self._table.last_ms, ids[known], decoded.times_ms[known])
            np.maximum.at(self._table.start_ms, ids[known], decoded.starts_ms[known])

    def _rows(self, found: f.Found, plain: memoryview, now_ns: int) -> Decoded:
        n_series, n = int(found.counts[f.N_SERIES]), int(found.counts[f.N_SAMPLES])
        histograms = int(found.counts[f.N_HISTOGRAMS])
        decoded = Decoded(
            batch_of(METRICS, 0), n - 2 * histograms, histograms, exemplars=int(found.counts[f.N_EXEMPLARS])
        )
        series = self._ids(found, plain, n_series, n, decoded)[found.series[:n]]
        bits, times_ms = found.value[:n], found.time_ms[:n]
        values = bits.view(np.float64)
        kept = series >= 0
        stale = kept & (bits == f.STALE)
        odd = kept & ~stale & ~np.isfinite(values)
        kept &= ~stale & ~odd
        far = kept & ((times_ms > _MOST_MS) | (times_ms < 0))
        kept &= ~far
        wrong = (series < 0) | far
        decoded.samples_refused = int(wrong[: decoded.samples].sum())
        decoded.histograms_refused = int(wrong[decoded.samples :].sum()) // 2
        again = _again(series, times_ms, kept, self._table.last_ms)
        kept &= ~again
        for counts, reason, which in (
            (decoded.skipped, "stale_marker", stale), (decoded.skipped, "not_finite", odd),
            (decoded.refused, "bad_time", far), (decoded.skipped, "duplicate", again),
        ):  # fmt: skip
            if which.any():
                counts[reason] = int(which.sum())
        at = np.flatnonzero(kept)
        return self._batch(decoded, series[at], times_ms[at], values[at], found.start_ms[:n][at], now_ns)

    def _batch(
        self, decoded: Decoded, series: NDArray[np.int32], times_ms: NDArray[np.int64], values: NDArray[np.float64],
        starts_ms: NDArray[np.int64], now_ns: int,
    ) -> Decoded:  # fmt: skip
        table, n = self._table, len(series)
        decoded.keys, decoded.times_ms, decoded.starts_ms = table.key[series], times_ms, starts_ms
        if not n:
            return decoded
        types = table.type[series]
        by_name = types == 0
        types[by_name] = self._types_of(table.word[NAME, series[by_name]])
        values = decoded.values = values * table.scale[series] + table.offset[series]
        extra: dict[str, Any] = {}
        # A counter that began anew since its last value has grown by all that it shows, in the time since then. A
        # value below the last the intake sees by itself.
        began = (starts_ms > table.last_ms[series]) & (table.start_ms[series] > 0) & (types == COUNTER)
        began &= values >= table.last_value[series]
        taken_ms = times_ms - starts_ms
        began &= (taken_ms > 0) & (taken_ms <= _MOST_INTERVAL_MS)
        if began.any():
            first = np.zeros(n, np.bool_)
            first[np.unique(series, return_index=True)[1]] = True  # those after it follow it
            began &= first
            extra = {"increase": np.where(began, values, 0.0),
                     "interval_ms": np.where(began, taken_ms, 0).astype(np.uint32)}  # fmt: skip
        exporter = pa.Array.from_buffers(pa.binary(16), n, [None, pa.py_buffer(table.exporter[series].tobytes())])
        decoded.rows = batch_of(
            METRICS, n, time=times_ms * 1_000_000, time_received=now_ns, exporter=exporter, source=_SOURCE,
            metric_type=types, value=values, if_index=table.if_index[series],
            host=self._words(HOST, series), metric=self._words(METRIC, series),
            component=self._words(COMPONENT, series), labels=self._words(LABELS, series), **extra,
        )  # fmt: skip
        return decoded

    def _words(self, column: int, series: NDArray[np.int32]) -> Any:
        """A column of texts with just the texts that occur."""
        texts = self._table.words[column].texts
        codes, used = np.empty(len(series), np.int32), np.empty(len(series), np.int32)
        n = _compact(self._table.word[column], series, np.full(len(texts), -1, np.int32), codes, used)
        indices: Any = pa.array(codes)
        return pa.DictionaryArray.from_arrays(indices, pa.array([texts[code] for code in used[:n]], pa.string()))

    def _ids(self, found: f.Found, plain: memoryview, n: int, samples: int, decoded: Decoded) -> NDArray[np.int32]:
        """The id of each series of the request; -1 where it cannot be taken, which is counted by its samples."""
        ids, unknown = self._table.ids(found.key[:n], self._requests)
        flag = found.flag[:n]
        refused = {int(i): _FLAGS[int(flag[i])] for i in np.flatnonzero(flag != f.GOOD)}
        ids[list(refused)] = -1
        if unknown:
            ids = self._learn(found, plain, n, ids, refused)
        if found.kind[:n].any():
            self._inline_types(found.kind[:n], ids)
        if refused:
            held = np.bincount(found.series[:samples], minlength=n)
            for i, reason in refused.items():
                decoded.refused[reason] = decoded.refused.get(reason, 0) + int(held[i])
        return ids

    def _learn(
        self, found: f.Found, plain: memoryview, n: int, ids: NDArray[np.int32], refused: dict[int, str]
    ) -> NDArray[np.int32]:
        """Read the labels of series met for the first time; answers the ids of all."""
        new: dict[int, tuple[str, Meaning]] = {}
        for i in np.flatnonzero(ids < 0).tolist():
            key = int(found.key[i]) | 1
            if i in refused or key in new:
                continue
            first = int(found.first_label[i])
            labels = _labels(plain, found.label[first : first + int(found.labels[i])].tolist())
            name = labels.pop("__name__", "") if labels is not None else ""
            if labels is None or not name:
                refused[i] = "bad_labels" if labels is None else "no_name"
                continue
            name += _PARTS[int(found.part[i])]
            new[key] = (name, self._rules.meaning(name, labels))
        generation = self._table.generation
        room = self._table.make_room(len(new))
        if self._table.generation != generation:
            self._types[:] = 0
        keys = list(new)[:room]
        if keys:
            self._table.add(
                np.array(keys, np.uint64), [new[key][0] for key in keys], [new[key][1] for key in keys], self._requests
            )
        again, _ = self._table.ids(found.key[:n], self._requests)
        again[list(refused)] = -1
        for i in np.flatnonzero(again < 0).tolist():
            refused.setdefault(i, "too_many_series")
        return again

    def _metadata(self, found: f.Found, plain: memoryview) -> None:
        """Remember what the sender says of families (1.0)."""
        changed = False
        for kind, start, end in found.metadata[: int(found.counts[f.N_METADATA])].tolist():
            family = str(plain[start:end], "utf-8", "replace")
            if self._families.get(family) != kind and (
                family in self._families or len(self._families) < _MOST_FAMILIES
            ):
                self._families[family] = kind
                changed = True
        if changed:
            self._types[:] = 0

    def _inline_types(self, kinds: NDArray[np.uint8], ids: NDArray[np.int32]) -> None:
        """Take the types that series carry with them (2.0)."""
        told = np.flatnonzero((kinds != 0) & (ids >= 0))
        numbers, first = np.unique(self._table.word[NAME, ids[told]], return_index=True)
        self._grow_types()
        texts = self._table.words[NAME].texts
        for number, at in zip(numbers.tolist(), first.tolist(), strict=True):
            self._types[number] = _type(texts[number], int(kinds[told[at]])) or 0

    def _grow_types(self) -> None:
        wanted = len(self._table.words[NAME].texts)
        if wanted > len(self._types):
            self._types = np.concatenate([self._types, np.zeros(wanted, np.uint8)])

    def _types_of(self, names: NDArray[np.int32]) -> NDArray[np.uint8]:
        """Counter or gauge by number of the sender's own name: by metadata where there is any, else by the name."""
        self._grow_types()
        types = self._types[names]
        texts = self._table.words[NAME].texts
        for number in np.unique(names[types == 0]).tolist():
            self._types[number] = self._type_of(texts[number])
        return self._types[names]

    def _type_of(self, name: str) -> int:
        for family in (name, *(name.removesuffix(suffix) for suffix in _SUFFIXES if name.endswith(suffix))):
            found = _type(name, self._families.get(family, 0))
            if found:
                return found
        return COUNTER if self._rules.is_counter(name) else GAUGE


@kernel
def _again(
    series: NDArray[np.int32], times_ms: NDArray[np.int64], kept: NDArray[np.bool_], last_ms: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which samples have the time of the one before them: of the last kept of their series, or of their neighbour."""
    out = np.zeros(len(series), np.bool_)
    for i in range(len(series)):
        if kept[i]:
            before = i > 0 and kept[i - 1] and series[i - 1] == series[i] and times_ms[i - 1] == times_ms[i]
            out[i] = before or last_ms[series[i]] == times_ms[i]
    return out


@kernel
def _compact(
    words: NDArray[np.int32], series: NDArray[np.int32], seen: NDArray[np.int32], codes: NDArray[np.int32],
    used: NDArray[np.int32],
) -> int:  # fmt: skip
    """Number the words that occur from zero: ``codes`` by row, ``used`` the words in their order; answers how many."""
    n = 0
    for i in range(len(series)):
        word = words[series[i]]
        if seen[word] < 0:
            seen[word] = n
            used[n] = word
            n += 1
        codes[i] = seen[word]
    return n


def _labels(plain: memoryview, places: list[list[int]]) -> dict[str, str] | None:
    """Labels by name; None where they are not text, or one comes twice."""
    try:
        labels = {str(plain[a:b], "utf-8"): str(plain[c:d], "utf-8") for a, b, c, d in places}
    except UnicodeDecodeError:
        return None
    return labels if len(labels) == len(places) and "" not in labels else None


def _type(name: str, kind: int) -> int:
    """Counter or gauge by the type of its family; 0 where that is not known."""
    if kind == _COUNTER:
        return GAUGE if name.endswith("_created") else COUNTER
    if kind in (_HISTOGRAM, _SUMMARY):
        return COUNTER if name.endswith(("_bucket", "_count", "_sum")) else GAUGE
    return GAUGE if kind in (_GAUGE, _GAUGE_HISTOGRAM, _INFO, _STATE_SET) else 0


def _check(status: int) -> None:
    """Raise ``InvalidInput`` for a walk that did not reach the end."""
    if status == f.TOO_MANY:
        raise InvalidInput(
            "holds too many series or samples for one request", where="body",
            fix=f"Send at most {f.MOST_SAMPLES} samples of {f.MOST_SERIES} series at once.",
        )  # fmt: skip
    if status == f.BAD_REFERENCE:
        raise InvalidInput("refers to a symbol that is not there", where="body")
    if status != f.OK:
        raise InvalidInput("is not a write request: malformed protobuf", where="body")
