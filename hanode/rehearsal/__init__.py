"""The rehearsal: a wire, a cluster and real namespaces to try things out in."""
