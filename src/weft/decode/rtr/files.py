"""Files of validated payloads: JSON as rpki-client, Routinator and StayRTR write it, and CSV."""

from __future__ import annotations

import csv
import io
import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from socket import AF_INET, AF_INET6, inet_pton
from typing import Any

import numpy as np

from weft.decode.rtr.payloads import Vrps
from weft.errors import InvalidInput

_MAPPED = b"\0" * 10 + b"\xff\xff"
#: Where the list of payloads begins; the names that the writers use for it.
_LIST = re.compile(r'"(?:roas|vrps)"\s*:\s*\[')
_SEPARATOR = re.compile(r"[\s,]*")
_FIX = "Give the JSON or CSV output of a validator (rpki-client, Routinator, StayRTR's cache)."


@dataclass(slots=True)
class VrpFile:
    """What a file holds: its payloads, each once; entries left out, by reason; when they end to be valid."""

    vrps: Vrps
    errors: Counter[str] = field(default_factory=Counter)
    built: str = ""
    """When the validator made it, as the file says."""


class _Rows:
    """Payloads as they are read: 22 octets each."""

    def __init__(self, most: int) -> None:
        self.most, self.errors = most, Counter[str]()
        self._prefix, self._lengths, self._asn = bytearray(), bytearray(), array("I")

    def add(self, prefix: str, asn: Any, longest: Any) -> None:
        """Take one entry, or count why not."""
        address, _, length_text = prefix.partition("/")
        try:
            is_four = ":" not in address
            raw = inet_pton(AF_INET if is_four else AF_INET6, address)
            length, number = int(length_text), _asn(asn)
            most = length if longest in (None, "") else int(longest)
        except (OSError, ValueError, TypeError):
            self.errors["bad_entry"] += 1
            return
        bits = 32 if is_four else 128
        if not (0 <= length <= most <= bits and 0 <= number <= 0xFFFFFFFF):
            self.errors["bad_entry"] += 1
        elif len(self._asn) >= self.most:
            self.errors["too_many"] += 1
        else:
            whole = int.from_bytes(raw, "big") >> (bits - length) << (bits - length)
            self._prefix += (_MAPPED if is_four else b"") + whole.to_bytes(bits // 8, "big")
            self._lengths += bytes((length, most))
            self._asn.append(number)

    def vrps(self) -> Vrps:
        """All of them, each once."""
        words = np.frombuffer(bytes(self._prefix), ">u8").astype(np.uint64).reshape(-1, 2)
        lengths = np.frombuffer(bytes(self._lengths), np.uint8).reshape(-1, 2)
        asn = np.array(self._asn, np.uint32)
        return Vrps.joined([Vrps(words[:, 0], words[:, 1], lengths[:, 0], lengths[:, 1], asn)])


def read_vrps(data: bytes, *, most: int = 5_000_000) -> VrpFile:
    """The payloads of a file; entries that make no sense are counted. Raises ``InvalidInput`` where it is no such file.

    At most ``most`` entries are taken.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("is not text", where="VRP file", fix=_FIX) from None
    rows, built = _Rows(most), ""
    if text.lstrip()[:1] == "{":
        for entry in _entries(text):
            longest = entry.get("maxLength", entry.get("max_length", entry.get("maxlen")))
            rows.add(str(entry.get("prefix", "")), entry.get("asn"), longest)
        match = re.search(r'"(?:generatedTime|buildtime|generated)"\s*:\s*"?([\w:.+-]{1,40})', text[:4096])
        built = match[1] if match else ""
    else:
        for line in _lines(text):
            rows.add(line["prefix"], line["asn"], line["longest"])
    return VrpFile(rows.vrps(), rows.errors, built)


def _asn(given: Any) -> int:
    """``AS64500`` or 64500."""
    if isinstance(given, bool):
        raise ValueError
    if isinstance(given, int):
        return given
    return int(str(given).upper().removeprefix("AS"))


def _entries(text: str) -> Iterator[Mapping[str, Any]]:
    """The entries one by one: a whole file as Python objects would take half a gigabyte."""
    begin = _LIST.search(text)
    if begin is None:
        raise InvalidInput("has no list `roas`", where="VRP file", fix=_FIX)
    decoder, at = json.JSONDecoder(), begin.end()
    while True:
        gap = _SEPARATOR.match(text, at)
        at = gap.end() if gap else at
        if text[at : at + 1] == "]":
            return
        try:
            entry, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            raise InvalidInput(f"is cut off or not JSON at character {at}", where="VRP file", fix=_FIX) from None
        yield entry if isinstance(entry, dict) else {}


def _lines(text: str) -> Iterator[dict[str, str]]:
    """The lines of a CSV file by meaning, whatever the order of its columns."""
    reader = csv.reader(io.StringIO(text, newline=""))
    names = {"asn": "asn", "ipprefix": "prefix", "prefix": "prefix", "maxlength": "longest", "maxlen": "longest"}
    try:
        header = [names.get(re.sub(r"[^a-z]", "", cell.lower()), "") for cell in next(reader, [])]
        if "asn" not in header or "prefix" not in header:
            raise InvalidInput("is neither JSON nor CSV with columns ASN and IP Prefix", where="VRP file", fix=_FIX)
        for cells in reader:
            if cells:
                found = dict(zip(header, (cell.strip() for cell in cells), strict=False))
                yield {
                    "prefix": found.get("prefix", ""),
                    "asn": found.get("asn", ""),
                    "longest": found.get("longest", ""),
                }
    except csv.Error as error:
        raise InvalidInput(f"is not CSV: {error}", where="VRP file", fix=_FIX) from None
