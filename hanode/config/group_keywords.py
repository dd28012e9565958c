"""The rows of C{vrrp_sync_group}: keepalived.conf(5), "VRRP synchronization group(s)".

The fields are those of L{hanode.config.group_model.SyncGroup}, or what its members
take from their group.
"""

from __future__ import annotations

from hanode.config.row import Keyword

GROUP = (
    Keyword("group", "members", "members"),
    Keyword("notify", "notify.always", "script"),
    Keyword("notify_master", "notify.master", "script"),
    Keyword("notify_backup", "notify.backup", "script"),
    Keyword("notify_fault", "notify.fault", "script"),
    Keyword("notify_stop", "notify.stop", "script"),
    Keyword("sync_group_tracking_weight", "weights_count", "flag", default=False),
    Keyword(
        "global_tracking",
        "weights_count",
        "old name",
        title="sync_group_tracking_weight",
    ),
    Keyword("smtp_alert", "smtp_alert", "boolean"),
    Keyword(
        "notify_priority_changes", "notify_priority_changes", "boolean", default=False
    ),
)
