"""The rows of C{hanode}, the block that keepalived does not have.

The fields are those of L{hanode.config.model.NodeDefs}; one that starts with
C{balance.} is of L{hanode.config.balance_model.BalanceDefs}.
"""

from __future__ import annotations

from hanode.config.balance_keywords import BALANCE_NODE
from hanode.config.model import NodeDefs
from hanode.config.notify_keywords import NOTIFY_NODE
from hanode.config.row import Keyword

NODE = (
    Keyword("http", "http", "endpoint", default=NodeDefs().http, only_hanode=True),
    Keyword("http_token_file", "http_token_file", "word", only_hanode=True),
    Keyword(
        "console", "console", "endpoint", default=NodeDefs().console, only_hanode=True
    ),
    Keyword("console_keys", "console_keys", "word", only_hanode=True),
    Keyword("console_view_keys", "console_view_keys", "word", only_hanode=True),
    Keyword(
        "console_host_key",
        "console_host_key",
        "word",
        default=NodeDefs().console_host_key,
        only_hanode=True,
    ),
    Keyword(
        "conflict_detection",
        "conflict_detection",
        "boolean",
        default=True,
        only_hanode=True,
    ),
    *BALANCE_NODE,
    *NOTIFY_NODE,
)
