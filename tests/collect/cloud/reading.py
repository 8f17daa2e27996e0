"""A process that reads flow logs into an embedded store: ``python reading.py DATA_DIR LOGS DIE_AT``.

With ``DIE_AT`` > 0 it is killed as the ledger is about to remember that batch: the store has it, the ledger does not.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Any

from weft.collect.cloud import reader
from weft.collect.cloud.config import CloudLogsConfig
from weft.collect.cloud.ledger import FileLedger
from weft.collect.cloud.place import Placer
from weft.collect.cloud.reader import LogReader
from weft.collect.config import CollectConfig
from weft.collect.intake import Intake
from weft.store.config import StoreConfig
from weft.store.open import open_store


def main(data: Path, logs: Path, die_at: int) -> None:
    reader._BATCH_ROWS = 1  # every batch of the decoder is stored by itself
    ledger, writes = FileLedger(data / "files.db"), [0]
    ledger.open()
    write = ledger.write

    def dying(entries: Any, loggers: Any = ()) -> None:
        listed = list(entries)
        if any(one.batches or one.state == "done" for one in listed):
            writes[0] += 1
            if writes[0] == die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        write(listed, loggers)

    ledger.write = dying  # type: ignore[method-assign]
    store = open_store(StoreConfig(data_dir=data))
    store.start()
    intake = Intake(CollectConfig(), store=store, data_dir=data)
    intake.start()
    book = intake.open_source("cloud", "x")
    config = CloudLogsConfig(name="x", path=str(logs), settle_seconds=0)
    LogReader(config, ledger, intake, Placer(), book).look()
    found = store.query(
        "SELECT count() AS n, sum(bytes) AS b, uniqExact(bytes) AS u FROM cloud_flows"
    ).table.to_pylist()
    print(found[0]["n"], found[0]["b"], found[0]["u"], flush=True)
    intake.stop()
    store.stop()
    ledger.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
