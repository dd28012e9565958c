"""keepalived.stats: what each instance has counted."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from hanode.console.dumps_words import Seen

_LINES = """\
VRRP Instance: {name}
  Advertisements:
    Received: {advert_rcvd}
    Sent: {advert_sent}
  Became master: {become_master}
  Released master: {release_master}
  Packet Errors:
    Length: {packet_len_err}
    TTL: {ip_ttl_err}
    Invalid Type: {invalid_type_rcvd}
    Advertisement Interval: {advert_interval_err}
    Address List: {addr_list_err}
  Authentication Errors:
    Invalid Type: {invalid_authtype}
    Type Mismatch: {authtype_mismatch}
    Failure: {auth_failure}
  Priority Zero:
    Received: {pri_zero_rcvd}
    Sent: {pri_zero_sent}
"""


def pieces(instances: Iterable[Seen]) -> Iterator[str]:
    """The file, an instance at a time."""
    for seen in instances:
        yield _LINES.format(name=seen.settings.name, **seen.counts)
