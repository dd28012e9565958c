"""Tests for a kernel with IPVS; tests/live/test_ipvs.py starts them in one.

Their names do not begin with test_, so that trial leaves them alone elsewhere.
"""
