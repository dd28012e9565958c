"""Claims about the mail of an event."""

from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.model import Notify
from hanode.config.notify_model import Mail
from hanode.events import Event, ServerEvent
from hanode.letter import Letter, body, compose, subject, wanted

MAIL = Mail(("a@example.com", "B <b@example.com>"), server="mail.example.com")
RS = "[1.2.3.4]:tcp:80/[192.168.201.15]:tcp:80"


def vrrp(state: str, kind: str = "INSTANCE", **more: Any) -> Event:
    """An instance, or a group, is now in this state."""
    return Event(kind, "VI_1", state, 100, Notify(), **more)


def server(kind: str, name: str, state: str, **more: Any) -> ServerEvent:
    """A server is now in this state."""
    return ServerEvent(kind, name, state, **more)


class TextTests(SynchronousTestCase):
    """Subjects and bodies."""

    def texts(self, event: Event | ServerEvent) -> tuple[str | None, str]:
        """Both."""
        return subject(event), body(event)

    def test_instance(self) -> None:
        """Each state of an instance has its words."""
        name = "VRRP Instance VI_1 - "
        lost = "=> VRRP Instance is no longer owning VRRP VIPs <="
        self.assertEqual(
            {
                state: self.texts(vrrp(state))
                for state in ("MASTER", "BACKUP", "FAULT", "STOP", "DELETED")
            },
            {
                "MASTER": (
                    name + "Entering MASTER state",
                    "=> VRRP Instance is now owning VRRP VIPs <=",
                ),
                "BACKUP": (name + "Entering BACKUP state", lost),
                "FAULT": (name + "Entering FAULT state", lost),
                "STOP": (name + "Stopping", "=> VRRP Instance stopping <="),
                "DELETED": (name + "Deleted", "=> VRRP Deleted at reload <="),
            },
        )

    def test_group(self) -> None:
        """So has each of a group."""
        name, all_of_them = "VRRP Group VI_1 - ", "=> All VRRP group instances are now "
        self.assertEqual(
            [self.texts(vrrp(s, "GROUP")) for s in ("FAULT", "STOP", "DELETED")],
            [
                (name + "Entering FAULT state", all_of_them + "in FAULT state <="),
                (name + "Stopping", all_of_them + "stopping <="),
                (name + "Deleted", all_of_them + "deleted <="),
            ],
        )

    def test_mere_happenings(self) -> None:
        """What is no change of state is not mailed."""
        for state in ("MASTER_RX_LOWER_PRI", "MASTER_PRIORITY", "BACKUP_PRIORITY"):
            self.assertIsNone(subject(vrrp(state)))
            self.assertIsNone(compose(vrrp(state), MAIL, "s", "n", 0.0))

    def test_servers(self) -> None:
        """A quorum tells its arithmetic, a real server what its check says."""
        reason = "Gained quorum 1+0=1 <= 1"
        self.assertEqual(
            self.texts(server("VS", "[::1]:tcp:80", "UP", reason=reason)),
            ("Virtualserver [::1]:tcp:80 - UP", f"=> {reason} <="),
        )
        name = "Realserver [1.2.3.4]:tcp:80 of virtual server [192.168.201.15]:tcp:80"
        self.assertEqual(
            self.texts(server("RS", RS, "DOWN", reason="Removing")),
            (f"{name} - DOWN", "=> Removing <="),
        )
        self.assertEqual(
            subject(server("CHECK", RS, "UP", check="TCP_CHECK")), f"{name} - UP"
        )

    def test_checks(self) -> None:
        """Each check has keepalived's words."""
        checks = (
            *("TCP_CHECK", "UDP_CHECK", "PING_CHECK", "DNS_CHECK", "BFD_CHECK"),
            *("FILE_CHECK", "MISC_CHECK", "HTTP_GET", "SSL_GET", "SMTP_CHECK"),
        )
        said = {
            check: tuple(
                body(server("RS", RS, state, reason="why", check=check))[3:-3]
                for state in ("UP", "DOWN")
            )
            for check in checks
        }
        up = "CHECK succeed on service"
        failed = "CHECK failed on service"
        self.assertEqual(
            said,
            {
                "TCP_CHECK": (f"TCP {up}", f"TCP {failed}"),
                "UDP_CHECK": (f"UDP {up}", f"UDP {failed}"),
                "PING_CHECK": (f"ICMP {up}", f"ICMP {failed}"),
                "DNS_CHECK": (
                    "DNS_CHECK: succeed on service",
                    "DNS_CHECK: failed on service",
                ),
                "BFD_CHECK": (f"BFD {up}", f"BFD {failed}"),
                "FILE_CHECK": (f"FILE {up}", f"FILE {failed}"),
                "MISC_CHECK": (
                    "MISC CHECK succeeded on service",
                    "MISC CHECK failed on service",
                ),
                "HTTP_GET": (up, f"{failed} : HTTP request failed"),
                "SSL_GET": (up, f"{failed} : SSL request failed"),
                "SMTP_CHECK": (up, f"{failed} : why"),
            },
        )


class ComposeTests(SynchronousTestCase):
    """The whole mail."""

    def test_whole(self) -> None:
        """Headers in keepalived's order, an empty line, the body."""
        letter = compose(vrrp("MASTER"), MAIL, "ka@example.com", "R1", 0.0)
        assert letter is not None
        date, rest = letter.data.split(b"\n", 1)
        self.assertRegex(date, rb"^Date: \w{3}, \d\d \w{3} 19\d\d \d\d:\d\d:\d\d [+-]")
        self.assertEqual(
            rest,
            b"From: ka@example.com\n"
            b"Subject: [R1] VRRP Instance VI_1 - Entering MASTER state\n"
            b"X-Mailer: Keepalived\n"
            b"To: a@example.com, B <b@example.com>\n"
            b"\n"
            b"=> VRRP Instance is now owning VRRP VIPs <=\n"
            b"\n",
        )
        recipients = ("a@example.com", "B <b@example.com>")
        self.assertEqual(letter, Letter("ka@example.com", recipients, 0.0, letter.data))

    def test_one_line_each(self) -> None:
        """Whatever a server has answered cannot begin a header or end the mail."""
        event = server("RS", RS, "DOWN", reason="550\r\n.\r\nQUIT", check="SMTP_CHECK")
        letter = compose(event, MAIL, "s", "n", 0.0)
        assert letter is not None
        self.assertIn(b"\n=> CHECK failed on service : 550 . QUIT <=\n", letter.data)


class WantedTests(SynchronousTestCase):
    """Whether there is a mail at all."""

    def test_alert(self) -> None:
        """smtp_alert, a server and recipients are needed."""
        event = vrrp("MASTER", alert=True)
        self.assertEqual(
            [
                wanted(event, MAIL),
                wanted(vrrp("MASTER"), MAIL),
                wanted(event, Mail(("a@b",))),
                wanted(event, Mail(server="x")),
            ],
            [True, False, False, False],
        )

    def test_less(self) -> None:
        """no_email_faults leaves out FAULT, no_checker_emails what changes nothing."""
        some = Mail(("a",), server="x", faults=False, every_check=False)
        events = [
            vrrp("FAULT", alert=True),
            vrrp("BACKUP", alert=True),
            server("CHECK", RS, "UP", alert=True),
            server("RS", RS, "UP", alert=True),
        ]
        answers = [(wanted(e, MAIL), wanted(e, some)) for e in events]
        wish = [(True, False), (True, True), (True, False), (True, True)]
        self.assertEqual(answers, wish)
