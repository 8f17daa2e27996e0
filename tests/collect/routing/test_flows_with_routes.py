"""From an UPDATE of a router to the AS path of its flows in an answer."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pyarrow as pa
from tests.enrich.flowbatch import decoded

from weft.collect.routing.rib import Rib
from weft.collect.routing.rows import SessionKey
from weft.decode.bgp import decode_update
from weft.enrich.config import EnrichConfig
from weft.enrich.enricher import Enricher
from weft.model.addresses import packed
from weft.model.dictionaries import PATHS
from weft.model.flows import FLOWS
from weft.query.engine import QueryEngine
from weft.query.model import Query
from weft.store.config import StoreConfig
from weft.store.open import open_store

ROUTER = "198.51.100.1"
#: ORIGIN IGP, AS_PATH 64500 64501, NEXT_HOP 203.0.113.1, COMMUNITIES 64500:120; NLRI 192.0.2.0/24.
UPDATE = bytes.fromhex(
    "0000 001f 400101 00 40020a 0202 0000fbf4 0000fbf5 400304 cb007101 c00804 fbf40078".replace(" ", "") + "18c00002"
)


def _rib() -> Rib:
    rib = Rib()
    session = rib.open(SessionKey(packed(ROUTER), 1, 2, packed("203.0.113.1"), 64500, ""), 1)
    routes = decode_update(UPDATE, as4=True, add_path=frozenset(), paths=rib.paths)
    assert not routes.errors
    rib.apply(session, routes, 2)
    return rib


def test_traffic_per_as_path(tmp_path: Path) -> None:
    enricher = Enricher(EnrichConfig())
    enricher.routes.use(_rib())
    enricher.routes.look()
    now = int(time.time())
    flows = decoded(
        3, exporter=[ROUTER] * 3, dst_addr=["192.0.2.1", "192.0.2.2", "203.0.113.99"], bytes=[100, 200, 400],
        packets=[1, 1, 1], sampling_rate=[1] * 3, time_received=pa.array([now * 10**9] * 3, pa.timestamp("ns", "UTC")),
    )  # fmt: skip
    rows = enricher.enrich(flows)
    assert rows.column("next_hop").to_pylist()[0] == packed("203.0.113.1")
    store = open_store(StoreConfig(data_dir=tmp_path), [FLOWS])
    store.start()
    try:
        store.insert(FLOWS, rows)
        store.upsert_dictionary(PATHS, enricher.dictionary_rows()[PATHS.name])
        engine = QueryEngine(store)

        def ask(by: str, filter_: str = "") -> dict[str, int]:
            query = Query(view="table", by=[by], measures=["bytes"], filter=filter_, since="now-10m", until="now+1m")
            return {str(row[0]): int(row[1] or 0) for row in engine.run(query).rows}

        assert ask("dst_as_path") == {"64500 64501": 300, "": 400}
        assert ask("dst_communities", "dst_neighbor_as = AS64500") == {"64500:120": 300}
        assert ask("dst_as", 'dst_as_path LIKE "% 64501"') == {"AS64501": 300}
        assert ask("dst_addr", "as_path_length = 2 AND dst_mask = 24") == {"192.0.2.1": 100, "192.0.2.2": 200}
    finally:
        store.stop()


def test_the_rib_is_followed_as_it_changes() -> None:
    rib = _rib()
    enricher = Enricher(EnrichConfig())
    enricher.routes.use(rib)
    enricher.routes.look()
    flow = decoded(1, exporter=[ROUTER], dst_addr=["192.0.2.1"])
    assert enricher.enrich(flow).column("dst_as").to_pylist() == [64501]
    (session,) = rib.sessions()
    rib.drop(session)
    enricher.routes.look()
    assert enricher.enrich(flow).column("dst_as").to_pylist() == [0]
    assert np.all(np.frombuffer(enricher.enrich(flow).column("next_hop")[0].as_py(), np.uint8) == 0)
