"""The operator's view: what the node shows, and the few things it can be told."""
