"""Names that are asked of DNS: those that carry data, and everyday ones, of which some look no less odd."""

from __future__ import annotations

import numpy as np

_BASE32 = np.array(list("abcdefghijklmnopqrstuvwxyz234567"))
_HEX = np.array(list("0123456789abcdef"))
_COMMON = (
    "www.{}.example", "login.{}.example", "api.{}.example", "mail.{}.example", "static.{}.example", "img.{}.example",
)  # fmt: skip
_WORDS = ("globex", "initech", "umbrella", "hooli", "wayne", "tyrell", "cyberdyne", "stark", "soylent", "wonka")


def tunnel_name(rng: np.random.Generator, domain: str) -> str:
    """A name whose labels are data in base 32, as long as labels and names may be (RFC 1035)."""
    labels = ["".join(rng.choice(_BASE32, int(rng.integers(38, 63)))) for _ in range(int(rng.integers(1, 4)))]
    return ".".join([*labels, "t", domain])


def everyday_name(rng: np.random.Generator) -> tuple[str, str]:
    """A name and the type of record asked for. One in eight is a hash: content networks and virus scanners ask so."""
    word = _WORDS[int(rng.integers(len(_WORDS)))]
    kind = str(rng.choice(["A", "AAAA", "HTTPS", "TXT", "PTR"], p=[0.55, 0.27, 0.12, 0.04, 0.02]))
    lot = rng.random()
    if lot < 0.07:
        return f"{''.join(rng.choice(_HEX, 40))}.avq.{word}.example", "TXT" if rng.random() < 0.5 else "A"
    if lot < 0.13:
        return f"{''.join(rng.choice(_HEX, 16))}.r{int(rng.integers(1, 99))}.cdn.{word}.example", kind
    return _COMMON[int(rng.integers(len(_COMMON)))].format(word), kind
