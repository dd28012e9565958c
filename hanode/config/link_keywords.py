"""The rows of the top-level words about interfaces."""

from __future__ import annotations

from hanode.config.row import Keyword

LINK_ROOT = (
    Keyword("interface_up_down_delays", "delays", "block"),
    Keyword("linkbeat_interfaces", "polled", "block"),
    Keyword("linkbeat_use_polling", "polling", "flag", default=False),
)
