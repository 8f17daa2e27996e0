"""Receiving log messages: UDP, TCP and TLS listeners, every sender's account, and what decodes for them.

Comes in: datagrams and connections of devices. Goes out: rows of ``logs`` and ``changes`` to the intake. One sender's
flood takes its own share of the queue and no other's; whatever is dropped is counted by sender and reason.
"""

from weft.collect.syslog.server import SyslogServer

__all__ = ["SyslogServer"]
