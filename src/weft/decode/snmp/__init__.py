"""SNMP: octets to variables, device profiles, variables to rows of ``metrics``, traps to rows of ``logs``.

Comes in: messages, and what tables of a device hold. Goes out: record batches and inventory facts. Profiles are data
(``profiles/*.yaml``). Must do no I/O but reading the shipped profiles and those of a directory that is named.
"""
