"""SNMP: devices are polled and found, their notifications received. Comes in: PDUs. Goes out: rows and facts."""
