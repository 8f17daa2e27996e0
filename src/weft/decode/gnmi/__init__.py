"""gNMI to columns: SubscribeResponse messages in, rows of the metrics table and facts of the inventory out.

    bytes ─ walk (machine code) ─┬─ known numbers ──────────────── columns ─▶ RecordBatch
                                 └─ text, JSON, new paths ─ tree ─┴▶ records ─▶ facts

A path is understood once per target (``mapping``, from the files in ``mappings``); from then on its bytes are looked up
and only the value is read. Must do no I/O beyond its own files, and must not look at a clock.
"""
