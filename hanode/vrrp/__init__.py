"""VRRP versions 2 and 3: packet, machine, service."""
