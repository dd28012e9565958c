"""Policy rules, said to the kernel: what L{hanode.dataplanes.kept} needs to know.

A rule names interfaces by name, and may be there when they are not.
"""

from __future__ import annotations

from collections.abc import Iterable

from hanode.config.route_model import KEEPALIVED, Rule
from hanode.dataplanes.kernel import Kernel
from hanode.dataplanes.netlink.message import Buffer
from hanode.dataplanes.netlink.rule_message import (
    RTM_DELRULE,
    StoredRule,
    add_rule,
    dump_rules_request,
    parse_rule,
    remove_rule,
    remove_stored,
    stored_of,
)
from hanode.dataplanes.netlink.socket import ask

RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE = 8, 19


class Rules:
    """The form of rules."""

    noun = "rule"
    groups = (RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE)

    def devices(self, record: Rule) -> tuple[str, ...]:
        """See L{hanode.dataplanes.form.Form}."""
        return ()

    def track(self, record: Rule) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        return record.track

    def add(self, record: Rule, kernel: Kernel) -> list[bytes]:
        """See L{hanode.dataplanes.form.Form}."""
        return [add_rule(record)]

    def remove(self, record: Rule, kernel: Kernel) -> bytes:
        """See L{hanode.dataplanes.form.Form}."""
        return remove_rule(record)

    def remove_stored(self, stored: StoredRule) -> bytes:
        """See L{hanode.dataplanes.form.Form}."""
        return remove_stored(stored)

    def read(self, records: Iterable[Rule]) -> list[StoredRule]:
        """See L{hanode.dataplanes.form.Form}."""
        return [
            parse_rule(body, 0, len(body))
            for version in sorted({record.version for record in records})
            for body in ask(dump_rules_request(version))
        ]

    def is_same(self, stored: StoredRule, record: Rule, kernel: Kernel) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        return stored == stored_of(record)

    def is_alike(self, stored: StoredRule, record: Rule) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        ours = stored.protocol in (KEEPALIVED, record.protocol)
        wanted = stored_of(record)
        place = (wanted.family, wanted.priority)
        return ours and (stored.family, stored.priority) == place

    def concerns(self, kind: int, data: Buffer, start: int, end: int) -> bool:
        """See L{hanode.dataplanes.form.Form}."""
        return kind == RTM_DELRULE
