# ruff: noqa: A005  # a benchmark is named for what it measures
"""How fast log messages become rows of ``logs``, per CPU-second of one core.

    python -m bench.syslog [--messages N]

A mix of nine systems' messages (see ``_logs``), every variable part drawn anew, of 64 senders in batches of 2,048:
header, stamp, rule, template, Arrow columns out. The floor that any such decoder stands on is the peer: one regular
expression that splits RFC 3164, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import time

from bench._logs import messages

from weft.decode.syslog import Sender, SyslogDecoder, rule_table
from weft.model.addresses import packed

_BATCH = 2048
_ROUNDS = 7
_BAR = 50_000
_SPLIT = re.compile(rb"<(\d{1,3})>(\w{3} +\d+ [\d:]+|\S+) (\S+) ([^\s:\[]+)(?:\[(\d+)\])?:? ?(.*)")


def main() -> None:
    """Print one line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=20 * _BATCH)
    count = parser.parse_args().messages
    given = list(messages(count))
    senders = [Sender(packed(f"192.0.2.{n}")) for n in range(64)]
    decoder = SyslogDecoder(rule_table())
    batches = [given[at : at + _BATCH] for at in range(0, count, _BATCH)]
    decoder.decode(batches[0], [time.time_ns()] * len(batches[0]), senders * (_BATCH // 64), 1)
    rates, peers, known = [], [], 0
    for _ in range(_ROUNDS):
        spent, known = 0.0, 0
        for batch in batches:
            received = [time.time_ns()] * len(batch)
            who = (senders * (_BATCH // 64))[: len(batch)]
            began = time.process_time()
            decoded = decoder.decode(batch, received, who, 1)
            spent += time.process_time() - began
            known += sum(1 for event in decoded.logs.column("event").to_pylist() if event)
        rates.append(count / spent)
        began = time.process_time()
        for message in given:
            _SPLIT.match(message)
        peers.append(count / (time.process_time() - began))
    value, peer = statistics.median(rates), statistics.median(peers)
    line = {"bench": "syslog", "case": f"{len(senders)} senders, {known / count:.0%} events", "value": round(value)}
    line |= {"unit": "messages/cpu-s", "bar": _BAR, "peer": "one regular expression", "peer_value": round(peer)}
    print(json.dumps(line | {"ratio": round(value / peer, 3), "templates": len(decoder.miner)}), flush=True)


if __name__ == "__main__":
    main()
