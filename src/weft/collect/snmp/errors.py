"""What can go wrong with an agent, each with the word that it is counted by."""

from __future__ import annotations

from weft.errors import Unavailable


class SnmpError(Unavailable):
    """The agent did not give what was asked. ``reason`` is the word it is counted by; never holds credentials."""

    code = "snmp"

    def __init__(self, reason: str, what: str, *, where: str | None = None, fix: str | None = None) -> None:
        self.reason = reason
        super().__init__(what, where=where, fix=fix)


class Timeout(SnmpError):
    """Nothing came back. With SNMPv2c a wrong community looks just so."""

    def __init__(self, where: str, waited_s: float) -> None:
        super().__init__(
            "timeout", f"no answer within {waited_s:.1f} s", where=where,
            fix="Check address, port, access list and, with v2c, the community.",
        )  # fmt: skip


class AuthError(SnmpError):
    """The agent knows the user not, or refuses how it is used."""

    def __init__(self, what: str, where: str, fix: str) -> None:
        super().__init__("auth", what, where=where, fix=fix)


class TooBig(SnmpError):
    """The answer does not fit."""

    def __init__(self, where: str) -> None:
        super().__init__("too_big", "the answer does not fit into a message", where=where)


class SecurityError(Exception):
    """A message of SNMPv3 that is not what its user would have sent. ``args[0]`` is the word it is counted by."""
