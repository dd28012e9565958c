"""BFD: packet, machine, wheel, service (RFC 5880, 5881, 5883, 9468)."""
