"""What the child processes of ``test_crash.py`` do: ``crash_child.py JOB DIRECTORY``."""

import json
import os
import sys
import time
from pathlib import Path

import pyarrow as pa
from storekit import KEEP, one, random_flows, rows_of

from weft.errors import WeftError
from weft.logs import configure_logging
from weft.model.flows import FLOWS
from weft.store.config import StoreConfig
from weft.store.open import open_store

ROWS = 20_000


def say(text):
    print(text, flush=True)


def hold(_store):
    say("ready")
    sys.stdin.readline()


def insert(store):
    """Batches of ROWS rows, numbered in ``tunnel_id``, for ever."""
    batch = random_flows(ROWS)
    place = batch.schema.get_field_index("tunnel_id")
    store.insert(FLOWS, batch.slice(0, 1))
    say("ready")
    number = int(sys.argv[3])
    while True:
        number += 1
        numbers = pa.array([number] * ROWS, pa.uint32())
        store.insert(FLOWS, batch.set_column(place, batch.schema.field(place), numbers))
        say(f"stored {number}")


def check(store):
    batches = rows_of(store, "SELECT tunnel_id, count() AS n FROM flows WHERE tunnel_id > 0 GROUP BY tunnel_id")
    total = one(store, "SELECT count() FROM flows")
    say(json.dumps({
        "flows": total,
        "batches": len(batches),
        "partial": sum(row["n"] != ROWS for row in batches),
        "check": one(store, "SELECT count() = 0 FROM system.detached_parts"),
        "rollups": {r.name: one(store, f"SELECT sum(flows) FROM {r.name}") for r in FLOWS.rollups},
    }))  # fmt: skip


def insert_and_die(store):
    store.insert(FLOWS, random_flows(1000, seed=1), token="first")
    store.insert(FLOWS, random_flows(1000, seed=2), token="second")
    os.kill(os.getpid(), 9)


def replay(store):
    store.insert(FLOWS, random_flows(1000, seed=2), token="second")
    store.insert(FLOWS, random_flows(1000, seed=1), token="first")
    store.insert(FLOWS, random_flows(1000, seed=1), token="first")
    check(store)


def fork(store):
    read, write = os.pipe()
    if os.fork() == 0:
        try:
            store.query("SELECT 1")
            os.write(write, b"it answered")
        except WeftError as error:
            os.write(write, error.what.encode())
        os._exit(0)
    os.wait()
    say(json.dumps({"child": os.read(read, 1000).decode()}))


def idle(store):
    store.query("SELECT 1")
    time.sleep(1)
    pages = int(Path("/proc/self/statm").read_text().split()[1]) if Path("/proc/self/statm").exists() else 0
    say(json.dumps({"rss_mb": pages * os.sysconf("SC_PAGE_SIZE") >> 20}))


if __name__ == "__main__":
    configure_logging("warning")  # standard output is for the parent
    the_store = open_store(StoreConfig(data_dir=Path(sys.argv[2]), retention_days=KEEP))
    the_store.start()
    globals()[sys.argv[1]](the_store)
    the_store.stop()
