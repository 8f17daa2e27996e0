"""Adds what was true at that moment: prefix → AS and network, ports → application. RecordBatch in, RecordBatch out.

Comes in: decoded flows (``model.flows.DECODED_SCHEMA``) and reference tables (CSV, YAML, MaxMind-format files). Goes
out: rows of the ``flows`` table with AS, network and application filled, and the rows of the
dictionaries that give those ids their names. Must never write to a store, hold up a batch because a table is missing or
bad, loop over flows in Python, or change the meaning of an id once it was given out.
"""
