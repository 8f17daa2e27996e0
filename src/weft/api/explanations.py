"""What a counted reason of a source means in plain words, and what to do about it. Data only.

Keys are the reasons that sources count (``SourceBook.error``) and, where a reason means something else for one kind of
source, ``kind:reason``. What is not listed is shown by its own name.
"""

from __future__ import annotations

from typing import NamedTuple


class Explanation(NamedTuple):
    """What happened, and what to do; an empty ``fix`` means that nothing has to be done."""

    what: str
    fix: str = ""


_CLOCK = "Configure NTP on the device."
_REPORT = "Please report it, with Weft's log."

EXPLANATIONS: dict[str, Explanation] = {
    # Every source
    "refused": Explanation("The store was too slow, so rows were refused", "Give Weft more CPU or a faster disk."),
    "time_in_future": Explanation("Stamps ahead of our clock; the arrival was taken instead", _CLOCK),
    "too_old": Explanation("Values older than what is kept; left out", _CLOCK),
    "internal": Explanation("A defect of Weft; what it was working on was skipped", _REPORT),
    "other": Explanation("Further reasons, too many to tell apart", "See Weft's log."),
    # Rows on their way to the store
    "spool_full": Explanation(
        "The store was away for longer than the spool could hold", "Bring it back, or raise collect.spool_bytes."
    ),
    "disk": Explanation("Neither the store nor the disk took the rows", "Free disk space in the data directory."),
    "rejected": Explanation("The store refused the rows for good; they are kept on disk", "See Weft's log."),
}


def explain(reason: str, kind: str = "") -> Explanation:
    """What ``reason`` means for a source of ``kind``; its own words where nothing is known of it."""
    found = EXPLANATIONS.get(f"{kind}:{reason}") or EXPLANATIONS.get(reason)
    if found is not None:
        return found
    words = reason.replace("_", " ").strip()
    return Explanation(words[:1].upper() + words[1:])
