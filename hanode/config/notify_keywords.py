"""The rows of what is told to others: keepalived.conf(5), "Global definitions".

A field that starts with C{notify.} is one of L{hanode.config.notify_model}.
"""

from __future__ import annotations

from hanode.config.notify_model import Mail
from hanode.config.row import Keyword

_MAIL = Mail()
_LONGEST = 4294  # seconds: smtp_connect_timeout
_PATIENCE = 1000  # seconds: startup_script_timeout

_FIFOS = tuple(
    row
    for prefix, field in (("", "everything"), ("vrrp_", "vrrp"), ("lvs_", "servers"))
    for row in (
        Keyword(f"{prefix}notify_fifo", f"notify.fifo.{field}", "fifo"),
        Keyword(f"{prefix}notify_fifo_script", f"notify.fifo_script.{field}", "script"),
    )
)

_MAILING = (
    Keyword("notification_email", "notify.mail.recipients", "words"),
    Keyword("notification_email_from", "notify.mail.sender", "word"),
    Keyword("smtp_server", "notify.mail.server", "mail server"),
    Keyword("smtp_helo_name", "notify.mail.helo", "word"),
    Keyword(
        "smtp_connect_timeout",
        "notify.mail.timeout",
        "whole seconds",
        "s",
        0,
        _LONGEST,
        default=_MAIL.timeout,
        zero_means=1,
    ),
    Keyword("smtp_alert", "smtp_alert", "boolean"),
    Keyword("no_email_faults", "notify.mail.faults", "flag", value=False, default=True),
    Keyword("no_checker_emails", "notify.no_checks", "boolean", default=False),
)

_BOOKENDS = tuple(
    row
    for word in ("startup", "shutdown")
    for row in (
        Keyword(f"{word}_script", f"notify.{word}", "script"),
        Keyword(
            f"{word}_script_timeout",
            f"notify.{word}_timeout",
            "whole seconds",
            "s",
            1,
            _PATIENCE,
            default=10.0,
        ),
    )
)

#: global_defs
NOTIFY_GLOBAL = (
    *_FIFOS,
    Keyword(
        "fifo_write_vrrp_states_on_reload",
        "notify.states_on_reload",
        "flag",
        default=False,
    ),
    *_MAILING,
    *_BOOKENDS,
)

#: the block hanode
NOTIFY_NODE = (
    Keyword("fifo_replay", "notify.replay", "flag", default=False, only_hanode=True),
    Keyword(
        "mail", "notify.mailing", "block", path=("hanode", "mail"), only_hanode=True
    ),
)

#: the block mail in it
MAIL = (
    Keyword("starttls", "tls", "boolean", default=False, only_hanode=True),
    Keyword("ca", "authorities", "word", only_hanode=True),
    Keyword("username", "username", "word", only_hanode=True),
    Keyword("password_file", "password_file", "word", only_hanode=True),
    Keyword("spool", "spool", "word", only_hanode=True),
    Keyword(
        "most",
        "most",
        "integer",
        low=1,
        high=100000,
        default=_MAIL.most,
        only_hanode=True,
    ),
)
