"""Log messages: framing, headers of every dialect, normalised events, templates. Pure: octets in, rows out.

``framing`` cuts streams into messages, ``header`` and its neighbours read who says what when, ``clock`` judges the
stamp, ``table`` (with the rule files of ``rules/``) tells what happened, ``drain`` mines templates, and ``decoder``
does all of that for a batch. What arrives is never rejected: text that nothing knows is a row with its text.
"""

from weft.decode.syslog.clock import SenderClock, Tolerances
from weft.decode.syslog.decoder import Decoded, Sender, SyslogDecoder, readable
from weft.decode.syslog.drain import TemplateMiner
from weft.decode.syslog.framing import Framer, datagram
from weft.decode.syslog.load import builtin_rules, rule_table
from weft.decode.syslog.table import RuleTable, nested

__all__ = [
    "Decoded", "Framer", "RuleTable", "Sender", "SenderClock", "SyslogDecoder", "TemplateMiner", "Tolerances",
    "builtin_rules", "datagram", "nested", "readable", "rule_table",
]  # fmt: skip
