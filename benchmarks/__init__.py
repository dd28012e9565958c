"""One script per group of figures; each prints hanode beside its peer, same run.

Run as root from the checkout: C{python -m benchmarks.failover}. Figures are printed and
never asserted. Everything happens in private namespaces.
"""
