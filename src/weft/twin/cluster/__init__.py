"""Acme's AI cluster: 256 GPUs in 32 hosts behind a rail-optimised leaf–spine fabric, their jobs and faults.

Comes in: the timeline. Goes out: what switches, hosts and jobs tell, by the doors that real ones use: gNMI with SONiC's
paths, syslog, Prometheus remote write, business series. Nothing has state but caches: any moment can be asked for.
"""
