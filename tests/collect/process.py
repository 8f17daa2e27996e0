"""A collector with the embedded store in a process of its own: ``python tests/collect/process.py DATA_DIR [batch_ms]``.

Prints ``port N`` when ready, then ``stored N`` whenever the number of stored flows changes. Ends on end of input.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path


def compile_decoder() -> None:
    """Have the machine code before the first datagram comes."""
    sys.path.insert(0, str(Path(__file__).parent.parent))
    from collect.fakes import batch_of
    from collect.wire import v5
    from weft.decode.flow.decoder import FlowDecoder

    FlowDecoder().decode(batch_of([v5([1])]))


def main() -> None:
    from weft.collect import CollectConfig, Collector, ListenerConfig
    from weft.enrich.config import EnrichConfig
    from weft.enrich.enricher import Enricher
    from weft.store.config import StoreConfig
    from weft.store.open import open_store

    data_dir = Path(sys.argv[1])
    batch_ms = int(sys.argv[2]) if len(sys.argv) > 2 else 200
    store = open_store(StoreConfig(data_dir=data_dir))
    store.start()
    config = CollectConfig(listeners=(ListenerConfig(port=0, address="127.0.0.1"),), receive_ms=20, batch_ms=batch_ms)  # type: ignore[arg-type]
    collector = Collector(config, store=store, enricher=Enricher(EnrichConfig()), data_dir=data_dir)
    collector.start()
    compile_decoder()
    ended = threading.Event()

    def wait_for_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_end, daemon=True).start()
    counted = store.query("SELECT count() AS n, sum(bytes) AS total FROM flows").table
    print(f"found {counted['n'][0]} {counted['total'][0]}", flush=True)
    print(f"port {collector.ports[0]}", flush=True)
    said = -1
    while not ended.wait(0.02):
        stored = collector.status().writer.rows["flows"]
        if stored != said:
            print(f"stored {stored}", flush=True)
            said = stored
        time.sleep(0)
    collector.stop()
    store.stop()


if __name__ == "__main__":
    main()
