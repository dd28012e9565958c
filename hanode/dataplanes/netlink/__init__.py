"""A netlink transport on the reactor."""
