"""The computational model of a network: what carries which traffic, now, at another time, or if something changed.

Comes in: a topology (from the inventory), routing (IGP metrics, BGP, static entries, tunnels) and demands. Goes out:
loads, paths, latency, and what changes if. Arrays over a compact graph: no part loops over demands in Python. Must not
change the network, only compute.
"""
