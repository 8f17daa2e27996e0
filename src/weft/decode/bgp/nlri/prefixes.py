"""Prefixes: plain (RFC 4271), labeled (RFC 8277) and of VPNs (RFC 4364, 4659)."""

from __future__ import annotations

from weft.decode.bgp.codes import Malformed
from weft.decode.bgp.nlri.base import Nlri, Octets, address_of, padded, prefix_text
from weft.decode.bgp.words import rd_text

#: In the place of a label of a withdrawn route (RFC 8277 §2.4); some send zeros.
_NO_LABEL = (0x800000, 0x000000)


def read_plain(afi: int, safi: int, octets: Octets) -> Nlri:
    """A prefix by itself."""
    bits = octets.number(1)
    address = padded(octets.take((bits + 7) // 8), bits, afi == 2)
    return Nlri(afi + 2 * (safi - 1), address_of(address), bits, fields={"nlri": prefix_text(address, bits)})


def read_labeled(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001 - readers are alike
    """A prefix behind its labels."""
    bits = octets.number(1)
    inner = Octets(octets.take((bits + 7) // 8))
    stack = labels(inner)
    bits -= 24 * len(stack)
    address = _address(inner, bits, afi)
    return Nlri(
        4 + afi, address_of(address), bits, labels=label_text(stack),
        fields={"nlri": prefix_text(address, bits), "label": label_fields(stack)},
    )  # fmt: skip


def read_vpn(afi: int, safi: int, octets: Octets) -> Nlri:  # noqa: ARG001
    """A prefix behind labels and a route distinguisher."""
    bits = octets.number(1)
    inner = Octets(octets.take((bits + 7) // 8))
    stack = labels(inner)
    rd = inner.take(8)
    bits -= 24 * len(stack) + 64
    address = _address(inner, bits, afi)
    fields = {"nlri": prefix_text(address, bits), "label": label_fields(stack), "rd": rd_text(rd) or "0:0"}
    return Nlri(
        6 + afi, address_of(address), bits, rd=rd_text(rd) or "0:0", labels=label_text(stack), fields=fields
    )  # fmt: skip


def _address(inner: Octets, bits: int, afi: int) -> bytes:
    if bits < 0:
        raise Malformed("nlri")
    return padded(inner.take((bits + 7) // 8), bits, afi == 2)


def labels(octets: Octets) -> list[int]:
    """A stack of labels as 24-bit words, up to the bottom of the stack."""
    stack = []
    while True:
        word = octets.number(3)
        stack.append(word)
        if word & 1 or word in _NO_LABEL:
            return stack


def label_text(stack: list[int]) -> str:
    """Labels with slashes between; empty for the word of a withdrawn route."""
    return "/".join(str(word >> 4) for word in stack if word not in _NO_LABEL)


def label_fields(stack: list[int]) -> list[list[int]]:
    """Each label with its word, where it has the bits of an experimental value or of the bottom of the stack."""
    return [[word >> 4, word] if word & 0xF else [word >> 4] for word in stack if word != _NO_LABEL[0]]
