"""REST and live updates over HTTP, and the built web UI.

Comes in: requests of people, programs and browser tabs. Goes out: typed answers (``api/models``), errors of one shape.
It authenticates, asks ``query``, ``collect``, ``enrich`` and ``store``, and answers; it must never reach into a
telemetry table itself, answer the anonymous, or hold anybody up because one client is slow.
"""
