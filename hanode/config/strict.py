"""vrrp_strict and strict_mode: what they take away from an instance."""

from __future__ import annotations

from typing import Any

from hanode.config.draft import Draft

#: fields that strict mode sets whatever the configuration says
FIXED: dict[str, Any] = {
    "preempt_delay": 0.0,
    "down_timer_adverts": 3,
    "garp.lower_prio_delay": 0.0,
    "garp.lower_prio_repeat": 0,
    "lower_prio_no_advert": True,
    "higher_prio_send_advert": False,
    "owner_ignore_adverts": True,
}

_KEYWORDS = {
    "preempt_delay": "preempt_delay",
    "down_timer_adverts": "down_timer_adverts",
    "garp.lower_prio_delay": "garp_lower_prio_delay",
    "garp.lower_prio_repeat": "garp_lower_prio_repeat",
    "lower_prio_no_advert": "lower_prio_no_advert",
    "higher_prio_send_advert": "higher_prio_send_advert",
    "owner_ignore_adverts": "owner_ignore_adverts",
}


_TRAP = (
    "strict mode: unless its priority is 255, a master drops what is sent to its"
    " virtual addresses, ping too"
)


def enforce(draft: Draft, version: int) -> None:
    """Make the fields of C{draft} what strict mode wants; say what that changed."""
    for field, value in FIXED.items():
        if draft.own.get(field, value) != value:
            draft.warning(
                f"{_KEYWORDS[field]} is incompatible with strict mode - resetting",
                "remove it, or strict mode",
            )
        draft.own[field] = value
    if draft.own.get("unicast_peers"):
        # keepalived 2.2 runs it without a word, 2.4 refuses the instance.
        draft.warning(
            "Strict mode does not support unicast peers: used all the same",
            "remove unicast_peer, or strict mode: newer keepalived refuses both",
        )
    if draft.own.pop("authentication", None) is not None:
        draft.warning(
            "Strict mode does not support authentication. Ignoring.",
            "remove the authentication block, or strict mode",
        )
    if draft.own.get("accept") and version == 2:
        draft.warning(
            "warning - accept mode for VRRP version 2 does not comply with RFC3768"
            " - resetting",
            "remove accept",
        )
        draft.own["accept"] = False
    _trap(draft, version)
    if draft.own.pop("vmac_xmit_base", None):
        draft.warning(
            "xmit_base is incompatible with strict mode - resetting",
            "remove vmac_xmit_base, or strict mode",
        )
    first = draft.own.get("addresses", [])[:1]
    if first and first[0].value.address.version == 6:
        address = first[0].value.address
        if not address.is_link_local:
            draft.findings.warning(
                first[0].place,
                f"the first IPv6 VIP address must be link local: {address}",
                "RFC 9568 section 5.2.9 wants a link-local address first",
            )


def _trap(draft: Draft, version: int) -> None:
    """Say it to who has not said that it is meant: distributions' samples are strict.

    RFC 9568, section 6.1, Accept_Mode; RFC 3768 has no such mode.
    """
    if "accept" in draft.own or draft.own.get("priority") == 255:
        return
    if version == 3:
        remedy = "write accept if they are to answer, no_accept if not"
    else:
        remedy = "remove vrrp_strict if they are to answer; write no_accept if not"
    draft.warning(_TRAP, remedy)
