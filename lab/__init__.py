"""A small network of real routers on one machine: FRR, snmpd, lldpd and rsyslogd in Linux network namespaces.

``python -m lab up`` builds it, ``down`` removes it; tests build their own. Needs root and Debian's frr, snmpd, lldpd,
rsyslog and iproute2. Nothing touches an address, route or daemon outside the namespaces.
"""
