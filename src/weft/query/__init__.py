"""The semantic layer: one typed ``Query`` in, a ``ViewResult`` with its provenance out. Never writes.

Read it in this order: ``model`` (the question), ``catalogue`` and ``measures`` (what can be asked), ``filter`` (the
language), ``times`` (windows and buckets), ``compile`` (to SQL, on the coarsest table that is exact), ``answer`` (from
rows to views), ``engine`` (all of it in order), ``export`` and ``text`` (views as files and for terminals).
"""
