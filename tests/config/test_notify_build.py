"""What a configuration says about telling others."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.check import all_scripts
from hanode.config.model import Model, Script
from hanode.config.notify_model import Bookend, Fifo, Fifos, Mail, NotifyDefs, Release
from tests.config.reading import BASIC, said, tree


def read(text: str) -> tuple[Model, list[str]]:
    """The model of C{text}, and what is said about it."""
    model, problems = build(tree(text))
    return model, said(problems)


def defs(shared: str, node: str = "") -> tuple[NotifyDefs, list[str]]:
    """What these lines of global_defs and of hanode say."""
    model, problems = read(f"global_defs {{\n{shared}\n}}\nhanode {{\n{node}\n}}")
    return model.global_defs.notify, problems


class FifoTests(SynchronousTestCase):
    """Which FIFOs there are."""

    def test_all(self) -> None:
        """Each of the three has its path, owner and script."""
        found, problems = defs(
            "notify_fifo /a u g\nnotify_fifo_script '/s one' v\nvrrp_notify_fifo /b\n"
            "lvs_notify_fifo /c\nlvs_notify_fifo_script /t\n"
            "fifo_write_vrrp_states_on_reload",
            "fifo_replay",
        )
        fifos = Fifos(
            Fifo("/a", "u", "g", Script(("/s", "one"), "v")),
            Fifo("/b"),
            Fifo("/c", script=Script(("/t",))),
            True,
            True,
        )
        self.assertEqual((found, problems), (NotifyDefs(fifos), []))
        scripts = [script.argv[0] for script in found.scripts()]
        self.assertEqual(scripts, ["/s", "/t"])

    def test_umask(self) -> None:
        """The mode is 0644 less the umask."""
        self.assertEqual(defs("umask 0022")[0].fifos.mode, 0o644)
        self.assertEqual(defs("")[0].fifos.mode, 0o600)

    def test_first_one_counts(self) -> None:
        """A second FIFO for the same events is ignored."""
        found, problems = defs("notify_fifo /a\nnotify_fifo /b")
        self.assertEqual(found.fifos.everything, Fifo("/a"))
        wanted = "3 warning: notify_fifo already specified - ignoring /b"
        self.assertEqual(problems, [f"{wanted} (remove one of the two)"])

    def test_same_path(self) -> None:
        """The FIFO for everything has the events of the others already."""
        found, problems = defs(
            "notify_fifo /a\nvrrp_notify_fifo /a\nlvs_notify_fifo /a"
        )
        self.assertEqual(found.fifos, Fifos(Fifo("/a")))
        remedy = "(give it another path: the global FIFO has its events anyway)"
        self.assertEqual(
            problems,
            [
                f"- warning: notify FIFO /a has been specified for global and {what}"
                f" FIFO - ignoring {what} FIFO {remedy}"
                for what in ("vrrp", "LVS")
            ],
        )

    def test_two_readers(self) -> None:
        """VRRP and servers may share one, but not with two scripts."""
        text = "vrrp_notify_fifo /a\nvrrp_notify_fifo_script /s\nlvs_notify_fifo /a\n"
        found, problems = defs(text)
        self.assertEqual(problems, [])
        both, problems = defs(text + "lvs_notify_fifo_script /t")
        self.assertEqual((both, len(problems)), (found, 1))
        self.assertIn("LVS notify FIFO and vrrp FIFO are the same", problems[0])

    def test_script_alone(self) -> None:
        """A script without its FIFO has nothing to read."""
        found, problems = defs("vrrp_notify_fifo_script /s")
        self.assertEqual(found.fifos, Fifos())
        wanted = "vrrp_notify_fifo_script without vrrp_notify_fifo: it is not started"
        self.assertEqual(problems, [f"- warning: {wanted} (add vrrp_notify_fifo PATH)"])


class MailTests(SynchronousTestCase):
    """Where mail goes."""

    BASE = "notification_email { a@x b@x\na@x }\nsmtp_server mx.x\n"

    def test_all(self) -> None:
        """Every word has its place; nobody is written to twice."""
        found, problems = defs(
            self.BASE + "notification_email_from f@x\nsmtp_helo_name h\n"
            "smtp_connect_timeout 0\nno_email_faults\nno_checker_emails",
            "mail {\nstarttls on\nca /ca\nusername u\npassword_file /p\nspool /s\n"
            "most 7\n}",
        )
        mail = Mail(
            recipients=("a@x", "b@x"),
            sender="f@x",
            server="mx.x",
            helo="h",
            timeout=1.0,
            faults=False,
            every_check=False,
            tls=True,
            authorities="/ca",
            username="u",
            password_file="/p",
            spool="/s",
            most=7,
        )
        self.assertEqual(found.mail, mail)
        self.assertEqual(len(problems), 1)
        self.assertIn("smtp_connect_timeout must be greater than 0", problems[0])

    def test_half(self) -> None:
        """A server without recipients sends nothing, nor the other way round."""
        self.assertEqual(
            [defs(text)[1] for text in ("smtp_server x", "notification_email {\na\n}")],
            [
                [
                    "- warning: smtp_server without notification_email: no mail is"
                    " sent (add notification_email)"
                ],
                [
                    "- warning: notification_email without smtp_server: no mail is"
                    " sent (add smtp_server)"
                ],
            ],
        )

    def test_login(self) -> None:
        """A login needs both words, and TLS."""
        both = "username u\npassword_file /p\n"
        for words in ("starttls on\nusername u", "starttls\npassword_file /p", both):
            found, problems = defs(self.BASE, f"mail {{\n{words}\n}}")
            mail = found.mail
            self.assertEqual((mail.username, mail.password_file), ("", ""))
            self.assertIn("without a login", problems[0])
        found, problems = defs(self.BASE, f"mail {{\n{both}starttls on\n}}")
        self.assertEqual((found.mail.username, problems), ("u", []))

    def test_authorities(self) -> None:
        """Authorities are for TLS."""
        _, problems = defs(self.BASE, "mail {\nca /x\n}")
        self.assertIn("ca has no effect without starttls", problems[0])

    def test_several_daemons(self) -> None:
        """Each daemon of a machine has its own folder."""
        model, _ = read("instance two\nglobal_defs {\n" + self.BASE + "}")
        self.assertEqual(model.global_defs.notify.mail.name, "mail_two")


class AlertTests(SynchronousTestCase):
    """What is mailed."""

    def alerts(self, shared: str, own: str = "") -> bool:
        """Whether an instance is."""
        text = f"global_defs {{\n{shared}\n}}\nvrrp_instance V {{\n{BASIC}\n{own}\n}}"
        return read(text)[0].instances["V"].smtp_alert

    def test_instance(self) -> None:
        """Its own word, smtp_alert_vrrp, smtp_alert, else not."""
        self.assertEqual(
            [
                self.alerts(""),
                self.alerts("smtp_alert"),
                self.alerts("smtp_alert\nsmtp_alert_vrrp off"),
                self.alerts("smtp_alert_vrrp\nsmtp_alert off"),
                self.alerts("smtp_alert", "smtp_alert off"),
                self.alerts("", "smtp_alert"),
            ],
            [False, True, False, True, False, True],
        )

    def test_servers(self) -> None:
        """smtp_alert reaches the servers where smtp_alert_checker says nothing."""
        server = "virtual_server 192.0.2.1 80 {\nreal_server 192.0.2.2 80 {\n}\n}"
        answers = []
        for shared in ("", "smtp_alert off", "smtp_alert\nsmtp_alert_checker off"):
            model, _ = read(f"global_defs {{\n{shared}\n}}\n{server}")
            (virtual,) = model.virtual_servers.values()
            answers.append((virtual.smtp_alert, virtual.real_servers[0].smtp_alert))
        self.assertEqual(answers, [(False, True), (False, False), (False, False)])


class ReleaseTests(SynchronousTestCase):
    """What runs before the addresses go."""

    def release(self, lines: str) -> tuple[Release | None, list[str]]:
        """That of an instance."""
        model, problems = read(f"vrrp_instance V {{\n{BASIC}\n{lines}\n}}")
        said = [each for each in problems if "release" in each]
        return model.instances["V"].release, said

    def test_script(self) -> None:
        """A script, and how long it is waited for."""
        script = Script(("/r", "x"))
        self.assertEqual(
            [
                self.release(f'release_script "/r x"\n{more}')[0]
                for more in ("", "release_timeout 0.5", "release_timeout 61")
            ],
            [Release(script, 5.0), Release(script, 0.5), Release(script, 5.0)],
        )

    def test_alone(self) -> None:
        """A time without a script has no effect."""
        release, said = self.release("release_timeout 7")
        self.assertIsNone(release)
        self.assertIn("release_timeout without release_script: no effect", said[0])

    def test_among_all(self) -> None:
        """It is among all scripts."""
        model, _ = read(f"vrrp_instance V {{\n{BASIC}\nrelease_script /r\n}}")
        self.assertEqual([s.argv for _, s in all_scripts(model)], [("/r",)])


class BookendTests(SynchronousTestCase):
    """The first and the last script."""

    def test_both(self) -> None:
        """Each has its time."""
        found, problems = defs(
            'startup_script "/a b"\nshutdown_script /c u\nshutdown_script_timeout 3'
        )
        startup, shutdown = Script(("/a", "b")), Script(("/c",), "u")
        wanted = NotifyDefs(
            startup=Bookend(startup, 10.0), shutdown=Bookend(shutdown, 3.0)
        )
        self.assertEqual((found, problems), (wanted, []))
        self.assertEqual(list(found.scripts()), [startup, shutdown])

    def test_among_all(self) -> None:
        """They are among all scripts."""
        model, _ = read("global_defs {\nstartup_script /a\n}")
        self.assertEqual(list(all_scripts(model)), [(None, Script(("/a",)))])
