"""The semantic layer: one typed ``Query`` in, a ``ViewResult`` with its provenance out. Never writes."""
