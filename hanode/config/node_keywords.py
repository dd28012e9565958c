"""The rows of C{hanode}, the block that keepalived does not have.

The fields are those of L{hanode.config.model.NodeDefs}.
"""

from __future__ import annotations

from hanode.config.model import NodeDefs
from hanode.config.row import Keyword

NODE = (Keyword("http", "http", "endpoint", default=NodeDefs().http, only_hanode=True),)
