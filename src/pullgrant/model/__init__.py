"""Frozen values only. They travel argv -> Reader -> Plan -> Issued -> Proof -> Receipt -> Operation, and do nothing."""
