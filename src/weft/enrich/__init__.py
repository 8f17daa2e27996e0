"""Adds what was true at that moment: prefix → AS and network, ports → application. RecordBatch in, RecordBatch out."""
