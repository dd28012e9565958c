"""Load balancing: which real servers work, and what the kernel is to do with them."""
