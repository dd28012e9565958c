"""Settings -> NotifyDefs: who has which FIFO, whether mail can be sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hanode.config.findings import Findings
from hanode.config.notify_model import Bookend, Fifo, Fifos, Mail, NotifyDefs
from hanode.config.process_model import ProcessDefs

_PREFIX = "notify."
_MAIL = "mail."
_MODE = 0o644  # of a FIFO, before the umask


def of_notify(settings: dict[str, Any]) -> dict[str, Any]:
    """What is about telling others among C{settings}, which loses it."""
    fields = [field for field in settings if field.startswith(_PREFIX)]
    return {field.removeprefix(_PREFIX): settings.pop(field) for field in fields}


def defs(
    shared: dict[str, Any],
    node: dict[str, Any],
    process: ProcessDefs,
    findings: Findings,
) -> NotifyDefs:
    """What C{shared} (global_defs) and C{node} (the block hanode) say; both lose it.

    C{process} tells the files of this daemon from those of others.
    """
    own, ours = of_notify(shared), of_notify(node)
    mode = Fifos.mode if process.umask is None else _MODE & ~process.umask
    fifos = _fifos(own, findings)
    return NotifyDefs(
        replace(fifos, replay=ours.get("replay", False), mode=mode),
        replace(
            _mail(own, ours.get("mailing", {}), findings), name=f"mail{process.suffix}"
        ),
        _bookend(own, "startup"),
        _bookend(own, "shutdown"),
    )


def spread_alerts(shared: dict[str, Any]) -> None:
    """smtp_alert is the default of smtp_alert_vrrp and of smtp_alert_checker."""
    if "smtp_alert" in shared:
        alert = shared.pop("smtp_alert")
        shared.setdefault("instance.smtp_alert", alert)
        shared.setdefault("smtp_alert_checker", alert)


def _bookend(own: Mapping[str, Any], word: str) -> Bookend | None:
    script = own.get(word)
    if script is None:
        return None
    return Bookend(script, own.get(f"{word}_timeout", Bookend.timeout))


# -- FIFOs


def _fifos(own: Mapping[str, Any], findings: Findings) -> Fifos:
    everything = _fifo(own, "everything", "notify_fifo", findings)
    vrrp = _fifo(own, "vrrp", "vrrp_notify_fifo", findings)
    servers = _fifo(own, "servers", "lvs_notify_fifo", findings)
    if everything and vrrp and vrrp.path == everything.path:
        _twice(vrrp, "vrrp", findings)
        vrrp = None
    if everything and servers and servers.path == everything.path:
        _twice(servers, "LVS", findings)
        servers = None
    if vrrp and servers and servers.path == vrrp.path and vrrp.script:
        if servers.script:
            findings.warning(
                None,
                "LVS notify FIFO and vrrp FIFO are the same both with scripts - "
                "ignoring LVS FIFO script",
                "one FIFO has one reader: remove lvs_notify_fifo_script",
            )
        servers = replace(servers, script=None)
    return Fifos(everything, vrrp, servers, own.get("states_on_reload", False))


def _fifo(
    own: Mapping[str, Any], field: str, word: str, findings: Findings
) -> Fifo | None:
    fifo: Fifo | None = own.get(f"fifo.{field}")
    script = own.get(f"fifo_script.{field}")
    if fifo is None and script is not None:
        findings.warning(
            None, f"{word}_script without {word}: it is not started", f"add {word} PATH"
        )
    return None if fifo is None else replace(fifo, script=script)


def _twice(fifo: Fifo, what: str, findings: Findings) -> None:
    findings.warning(
        None,
        f"notify FIFO {fifo.path} has been specified for global and {what} FIFO - "
        f"ignoring {what} FIFO",
        "give it another path: the global FIFO has its events anyway",
    )


# -- mail


def _mail(own: Mapping[str, Any], ours: Mapping[str, Any], findings: Findings) -> Mail:
    fields = {
        field.removeprefix(_MAIL): value
        for field, value in own.items()
        if field.startswith(_MAIL)
    }
    server, port = fields.pop("server", (Mail.server, Mail.port))
    fields["recipients"] = tuple(dict.fromkeys(fields.get("recipients", ())))
    fields["every_check"] = not own.get("no_checks", False)
    mail = Mail(server=server, port=port, **fields, **ours)
    if mail.recipients and not server:
        _doubt(findings, "notification_email without smtp_server", "add smtp_server")
    if server and not mail.recipients:
        _doubt(
            findings, "smtp_server without notification_email", "add notification_email"
        )
    if bool(mail.username) != bool(mail.password_file):
        _doubt(
            findings,
            "mail: username and password_file belong together: without a login",
            "write both",
        )
        mail = replace(mail, username="", password_file="")
    if mail.username and not mail.tls:
        _doubt(
            findings,
            "mail: the password would be readable on the wire: without a login",
            "add starttls on",
        )
        mail = replace(mail, username="", password_file="")
    if mail.authorities and not mail.tls:
        _doubt(findings, "mail: ca has no effect without starttls", "add starttls on")
    return mail


def _doubt(findings: Findings, message: str, remedy: str) -> None:
    ending = "" if ":" in message else ": no mail is sent"
    findings.warning(None, message + ending, remedy)
