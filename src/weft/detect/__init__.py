"""Detection: stored and arriving telemetry becomes events.

Comes in: matrices of series × time (``frame``) and rows of tables as they arrive. Goes out: ``Event``s, with what was
expected and the evidence. The same code runs live and over history, so that every detector can be back-tested. Must
never explain (that is ``explain``) nor act, and hold no more in memory than it says beforehand.
"""
