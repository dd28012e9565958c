"""Tests for a kernel with IPVS; started by tests/live/test_ipvs.py, wherever it finds one.

Their names do not begin with test_, so that trial leaves them alone elsewhere.
"""
