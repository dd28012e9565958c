"""What a configuration says about the process."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.model import Model
from hanode.config.process_model import ProcessDefs
from tests.config.reading import said, tree


def read(text: str) -> tuple[Model, list[str]]:
    """The model of C{text}, and what is said about it."""
    model, problems = build(tree(text))
    return model, said(problems)


def defs(lines: str) -> tuple[ProcessDefs, list[str]]:
    """The record of these lines of global_defs."""
    model, problems = read(f"global_defs {{\n{lines}\n}}")
    return model.process, problems


class ProcessTests(SynchronousTestCase):
    """Claims about the words of L{hanode.config.process_keywords}."""

    def test_nothing(self) -> None:
        """Without a word the process runs as it is started."""
        self.assertEqual(read("")[0].process, ProcessDefs())

    def test_root(self) -> None:
        """The statements of the top level name the daemon, and where it lives."""
        model, problems = read(
            "instance one\nnet_namespace red\nnet_namespace_ipvs blue"
        )
        self.assertEqual(problems, [])
        self.assertEqual(model.process, ProcessDefs(instance="one", namespace="red"))
        self.assertEqual(model.balance.namespace, "blue")
        self.assertEqual(model.node.http, "unix:/run/hanode/hanode_red_one.sock")

    def test_ipvsOfFirst(self) -> None:
        """net_namespace_ipvs alone is the namespace that the daemon was started in."""
        self.assertEqual(read("net_namespace_ipvs")[0].balance.namespace, "")

    def test_httpGiven(self) -> None:
        """Whoever names the socket gets that one."""
        model, _ = read("instance one\nhanode {\nhttp unix:/run/a.sock\n}")
        self.assertEqual(model.node.http, "unix:/run/a.sock")

    def test_badName(self) -> None:
        """A name that would lead elsewhere in the file system is refused."""
        model, problems = read("net_namespace ../../etc")
        self.assertEqual(model.process, ProcessDefs())
        self.assertEqual(
            problems,
            [
                "1 warning: net_namespace: '../../etc' cannot be part of a file name"
                " (ignored; write letters, digits, '.', '-' and '_')"
            ],
        )

    def test_scheduling(self) -> None:
        """What is said of one of keepalived's processes is said of ours."""
        found, problems = defs(
            "vrrp_priority -10\nbfd_rt_priority 5\nchecker_no_swap\n"
            "vrrp_cpu_affinity 0 1\nvrrp_rlimit_rttime 5000\nprocess_name ha"
        )
        self.assertEqual(problems, [])
        self.assertEqual(
            found,
            ProcessDefs(
                nice=-10,
                round_robin=5,
                rttime=5000,
                cpus=(0, 1),
                no_swap=True,
                name="ha",
            ),
        )

    def test_badProcessor(self) -> None:
        """One bad number voids the list; a list without numbers is an error."""
        found, problems = defs("vrrp_cpu_affinity 0 x\nbfd_cpu_affinity")
        self.assertEqual(found, ProcessDefs())
        self.assertEqual(len(problems), 2)

    def test_umask(self) -> None:
        """A number in three ways, or the bits by their names."""
        for text, mask in (
            ("0177", 0o177),
            ("0x3f", 0o77),
            ("18", 0o22),
            ("IRWXG|IRWXO", 0o77),
            ("S_IWGRP | S_IXUSR|IROTH", 0o124),
        ):
            self.assertEqual(defs(f"umask {text}"), (ProcessDefs(umask=mask), []))

    def test_badUmask(self) -> None:
        """Anything else is refused, with an example."""
        for text in ("0199", "IXYZ", "01777", "0x", "-1"):
            found, problems = defs(f"umask {text}")
            self.assertEqual(found, ProcessDefs())
            self.assertEqual(
                problems,
                [
                    f"2 warning: umask '{text}' is no mask (ignored; write 0177, or"
                    " IRWXG|IRWXO)"
                ],
            )
        self.assertEqual(len(defs("umask")[1]), 1)

    def test_needless(self) -> None:
        """A word that one process has no use for is understood, and told why."""
        _, problems = read("use_pid_dir\nglobal_defs {\nprocess_names\n}")
        self.assertEqual(
            problems,
            [
                "1 warning: use_pid_dir: no effect: the file of the process id is what"
                " --pidfile says",
                "3 warning: process_names: no effect: hanode is one process:"
                " process_name names it",
            ],
        )
