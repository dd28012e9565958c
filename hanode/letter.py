"""The mail about an event (pure): subject, headers and body as keepalived writes them.

keepalived.conf(5), smtp_alert. Nothing is sent here; that is L{hanode.submission}.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate

from hanode.config.notify_model import Mail
from hanode.events import Event, ServerEvent

MAILER = "Keepalived"  # what the rules of those who sort such mail look for

_ENTERED = ("MASTER", "BACKUP", "FAULT")
_ENDINGS = {"STOP": "Stopping", "DELETED": "Deleted"}
_BODIES = {
    "MASTER": "VRRP Instance is now owning VRRP VIPs",
    "BACKUP": "VRRP Instance is no longer owning VRRP VIPs",
    "FAULT": "VRRP Instance is no longer owning VRRP VIPs",
    "STOP": "VRRP Instance stopping",
    "DELETED": "VRRP Deleted at reload",
}
_GROUP = "All VRRP group instances are now "
_SERVICE = {True: "succeed on service", False: "failed on service"}
#: check -> what it is called; the words that follow are {True: up, False: down}
_CHECKS = {
    "TCP_CHECK": "TCP CHECK",
    "UDP_CHECK": "UDP CHECK",
    "PING_CHECK": "ICMP CHECK",
    "DNS_CHECK": "DNS_CHECK:",
    "BFD_CHECK": "BFD CHECK",
    "FILE_CHECK": "FILE CHECK",
}
_WEB = ("HTTP_GET", "SSL_GET")


@dataclass(frozen=True)
class Letter:
    """One mail; C{created} in seconds since 1970."""

    sender: str
    recipients: tuple[str, ...]
    created: float
    data: bytes


def subject(event: Event | ServerEvent) -> str | None:
    """The subject without the node's name; None for what is not mailed."""
    if isinstance(event, ServerEvent):
        if event.kind == "VS":
            return f"Virtualserver {event.name} - {event.state}"
        real, _, virtual = event.name.partition("/")
        return f"Realserver {real} of virtual server {virtual} - {event.state}"
    if event.state in _ENTERED:
        happened = f"Entering {event.state} state"
    elif event.state in _ENDINGS:
        happened = _ENDINGS[event.state]
    else:
        return None
    kind = "Instance" if event.kind == "INSTANCE" else "Group"
    return f"VRRP {kind} {event.name} - {happened}"


def body(event: Event | ServerEvent) -> str:
    """The one line of text; of an event that has a subject."""
    return f"=> {_text(event)} <="


def _text(event: Event | ServerEvent) -> str:
    if isinstance(event, ServerEvent):
        return _server(event)
    if event.kind == "INSTANCE":
        return _BODIES[event.state]
    if event.state in _ENTERED:
        return f"{_GROUP}in {event.state} state"
    return f"{_GROUP}{'stopping' if event.state == 'STOP' else 'deleted'}"


def _server(event: ServerEvent) -> str:
    up, check = event.state == "UP", event.check
    if event.kind == "VS" or not check:
        return event.reason
    if check == "MISC_CHECK":
        return f"MISC CHECK {'succeeded' if up else 'failed'} on service"
    if check in _CHECKS:
        return f"{_CHECKS[check]} {_SERVICE[up]}"
    if up:
        return f"CHECK {_SERVICE[True]}"
    if check in _WEB:
        kind = "SSL" if check == "SSL_GET" else "HTTP"
        return f"CHECK failed on service : {kind} request failed"
    return f"CHECK failed on service : {event.reason}"


def compose(
    event: Event | ServerEvent, mail: Mail, sender: str, node: str, now: float
) -> Letter | None:
    """The mail about C{event} of the node called C{node}; None for none.

    @param sender: whom it comes from. @param now: seconds since 1970.
    """
    title = subject(event)
    if title is None:
        return None
    lines = (
        f"Date: {formatdate(now, localtime=True)}",
        f"From: {sender}",
        f"Subject: [{node}] {title}",
        f"X-Mailer: {MAILER}",
        f"To: {', '.join(mail.recipients)}",
        "",
        body(event),
        "",
    )
    text = "\n".join(" ".join(line.splitlines()) for line in lines) + "\n"
    data = text.encode("utf-8", "surrogateescape")
    return Letter(sender, mail.recipients, now, data)


def wanted(event: Event | ServerEvent, mail: Mail) -> bool:
    """Whether the configuration wants a mail about it."""
    if not event.alert or not mail.server or not mail.recipients:
        return False
    if isinstance(event, Event):
        return mail.faults or event.state != "FAULT"
    return mail.every_check or event.kind != "CHECK"
