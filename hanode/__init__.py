"""hanode: a high-availability node on Twisted."""
