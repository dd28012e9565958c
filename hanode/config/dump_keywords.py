"""The rows of C{global_defs} about what signals have written into files.

The fields are those of L{hanode.config.dump_model.DumpDefs}.
"""

from __future__ import annotations

from hanode.config.row import Keyword

PREFIX = "dumps."

DUMP_GLOBAL = (
    Keyword("state_dump_file", "dumps.state", "absolute path"),
    Keyword("stats_dump_file", "dumps.stats", "absolute path"),
    Keyword("json_dump_file", "dumps.json", "absolute path"),
    Keyword("json_version", "dumps.json_version", "integer", low=1, high=2, default=1),
    Keyword("data_use_instance", "dumps.use_instance", "boolean", default=False),
)
