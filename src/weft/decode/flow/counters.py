"""Names of the columns of the per-stream counter arrays."""

from __future__ import annotations

#: Columns of ``StreamTable.counters``.
(
    C_DATAGRAMS,
    C_OCTETS,
    C_RECORDS,
    C_UNSAMPLED,  # records stored with an unknown rate
    C_LOST,
    C_REORDERED,
    C_RESTARTS,
    C_AGENT_DROPS,
    C_REPLAYED,
    C_EXPIRED,
    C_TEMPLATE_CHANGES,
    C_RATE,  # last sampling rate a record was stored with
    C_RATE_SOURCE,
    C_FIRST_SEEN,
    C_LAST_SEEN,
) = range(15)
C_COLUMNS = 15

#: Columns of ``StreamTable.sequence``, the state of sequence accounting.
(
    S_SEEN,
    S_NEXT,
    S_OTHER,
    S_UNIT,
    S_VOTES,
    S_VOTED_LOSS,
    S_UPTIME,
    S_GAP_START,
    S_GAP_END,
    S_BACK,
    S_LAST,  # the number of the message before
    S_AFTER_VOTES,
    S_AFTER_LOST,  # C_LOST, C_REORDERED and C_RESTARTS before the first of those votes
    S_AFTER_REORDERED,
    S_AFTER_RESTARTS,
) = range(15)
S_COLUMNS = 15
