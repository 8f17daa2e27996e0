"""Plays a scenario into files, faster than real time: telemetry, reference tables and ground truth.

Comes in: a scenario (``weft.twin.scenario``). Goes out: a directory with a Parquet file per table and sender, made by
the decoders and the enrichment that a running Weft uses, or the bytes as they would come over the wire. The same seed
makes the same bytes.
"""
