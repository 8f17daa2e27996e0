"""Where things stay: ``telemetry`` in ClickHouse (embedded or a server), ``state`` in SQL.

Comes in: record batches and small rows. Goes out: Arrow tables and typed rows. Must never decide what to store.
"""
