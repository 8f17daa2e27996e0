"""Where things stay: ``telemetry`` in ClickHouse (embedded or a server), ``state`` in SQL. Never decides what to store."""
