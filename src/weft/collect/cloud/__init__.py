"""What clouds see: flow logs from directories and buckets, and what is in the clouds from the JSON of their CLIs.

Comes in: files that appear, grow and are never read twice. Goes out: rows of ``cloud_flows``, tied to the inventory,
and facts about networks, subnets, interfaces, instances and gateways. Must never parse a format of a flow log.
"""
