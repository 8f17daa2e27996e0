"""Why a datagram, a set or a record could not be decoded: a closed list, so that counting it is bounded."""

from __future__ import annotations

from enum import IntEnum


class Reason(IntEnum):
    """Column of ``StreamTable.errors``; the lower-case name is what people see."""

    UNKNOWN_VERSION = 0  # neither NetFlow 5, 9, IPFIX nor sFlow 5
    SHORT_HEADER = 1  # the datagram ends within its header
    TOO_MANY_STREAMS = 2  # counted in the overflow stream; templates cannot be kept for it
    LENGTH_MISMATCH = 3  # IPFIX message length beyond or short of the datagram
    COUNT_MISMATCH = 4  # fewer records than the header announces, or more than v5 allows
    SET_TOO_SHORT = 5  # set length below 4
    SET_TRUNCATED = 6  # set runs beyond the message
    RESERVED_SET = 7  # set id that no standard defines
    TEMPLATE_TRUNCATED = 8
    TEMPLATE_EMPTY = 9  # no fields, or no bytes per record
    TEMPLATE_TOO_LARGE = 10  # too many fields
    TEMPLATE_BAD_ID = 11  # below 256
    TOO_MANY_TEMPLATES = 12
    WITHDRAWAL_IGNORED = 13  # RFC 7011 §8.4: not over UDP
    RECORD_TRUNCATED = 14  # a variable-length record runs beyond its set
    TOO_MANY_RECORDS = 15  # per datagram
    TOO_MANY_OPTIONS = 16  # options records per batch
    NO_TEMPLATE = 17  # data given up on because the buffer for held data was full
    HELD_EXPIRED = 18  # data given up on because its template did not come in time
    BAD_AGENT = 19  # sFlow agent address of an unknown kind
    SAMPLE_TRUNCATED = 20  # sFlow sample or flow record beyond its datagram
    UNKNOWN_SAMPLE = 21  # sFlow sample format we do not know; skipped
    BAD_FRAME = 22  # sampled header that holds no packet we can read
    BAD_COUNTER = 23  # sFlow counter record shorter than its format
    INTERNAL = 24  # a defect of ours; the datagrams of that batch were skipped


REASON_COUNT = len(Reason)
REASON_NAMES = tuple(reason.name.lower() for reason in Reason)
