"""Wire formats to columns: bytes in, ``RecordBatch`` out. Pure functions and explicit state; no I/O, no clock."""
