"""hanode bfd, lvs and vrrp against a console in the same process."""

import json

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.commands import BfdOptions, LookOptions, client_of
from hanode.console.lvs_report import lvs_details, lvs_table
from hanode.console.report import bfd_details, bfd_table, vrrp_details, vrrp_page
from tests.console.case import ConsoleCase
from tests.console.samples import REAL, SESSION, VIRTUAL, YOUNG
from tests.test_cli import typed


class CommandTests(ConsoleCase):
    async def setUp(self):
        super().setUp()
        await self.serve()

    async def typed(self, command, *words):
        """Status, standard output and standard error."""
        return await deferToThread(typed, command, "-S", self.path, *words)

    async def test_bfd(self):
        """All sessions, and below them that the process was held up."""
        stalls = "held up 1 times, the worst for 20ms, the latest for 20ms"
        self.assertEqual(
            await self.typed("bfd"),
            (0, f"{bfd_table([SESSION, YOUNG])}\n\n{stalls}\n", ""),
        )

    async def test_noStalls(self):
        """Nothing is said of stalls when there were none."""
        self.patch(self.node.bfd, "describe_all", dict)
        table = bfd_table([SESSION, YOUNG])
        self.assertEqual(await self.typed("bfd"), (0, f"{table}\n", ""))

    async def test_bfdName(self):
        """One session."""
        self.assertEqual(
            await self.typed("bfd", "peer"), (0, f"{bfd_details(SESSION)}\n", "")
        )

    async def test_vrrp(self):
        """All instances, or one."""
        page = self.view.vrrp()
        instances = page["instances"]
        self.assertEqual(await self.typed("vrrp"), (0, f"{vrrp_page(page)}\n", ""))
        self.assertEqual(
            await self.typed("vrrp", "VI_1"), (0, f"{vrrp_details(instances[0])}\n", "")
        )

    async def test_json(self):
        """The same as JSON."""
        for words, wanted in (
            (("bfd", "--json"), json.loads("".join(self.view.bfd()))),
            (("bfd", "--json", "peer"), SESSION),
            (("vrrp", "-j"), self.view.vrrp()),
            (("vrrp", "-j", "VI_1"), self.view.vrrp()["instances"][0]),
            (("bfd", "-j", "enable", "far"), {"name": "far", "admin": "up"}),
            (
                ("lvs", "-j"),
                {"virtual_servers": [VIRTUAL], "dataplane": "memory", "problem": ""},
            ),
            (("lvs", "-j", VIRTUAL["name"]), VIRTUAL),
            (
                ("lvs", "-j", "drain", REAL["name"]),
                {"name": REAL["name"], "admin": "drain"},
            ),
        ):
            status, out, err = await self.typed(*words)
            self.assertEqual((status, json.loads(out), err), (0, wanted, ""))

    async def test_disableAndEnable(self):
        """The operator's wish arrives."""
        self.assertEqual(
            await self.typed("bfd", "disable", "peer"), (0, "peer: disabled\n", "")
        )
        self.assertEqual(
            await self.typed("bfd", "enable", "peer"), (0, "peer: enabled\n", "")
        )
        self.assertEqual([wish for _, wish in self.node.bfd.wishes], ["down", "up"])

    async def test_lvs(self):
        """All virtual servers, and what balances them."""
        status, out, err = await self.typed("lvs")
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, lvs_table([VIRTUAL]) + "\n\nbalanced by memory\n")

    async def test_lvs_none(self):
        """No virtual servers, and nothing that balances."""
        self.node.balance.virtuals.clear()
        self.assertEqual(await self.typed("lvs"), (0, "no virtual servers\n", ""))

    async def test_lvs_problem(self):
        """Nothing can balance: why."""
        for keyword in ("", "ipvs"):  # it may be known, but not be opened
            problem = {"dataplane": keyword, "problem": "no IPVS in this kernel"}
            self.node.balance.describe_all = lambda problem=problem: problem
            _, out, _ = await self.typed("lvs")
            self.assertIn("not balanced: no IPVS in this kernel", out)

    async def test_lvs_name(self):
        """Everything about one."""
        wanted = (0, lvs_details(VIRTUAL) + "\n", "")
        self.assertEqual(await self.typed("lvs", VIRTUAL["name"]), wanted)

    async def test_drain(self):
        """The operator's wish arrives, and is taken back."""
        name = REAL["name"]
        self.assertEqual(
            await self.typed("lvs", "drain", name),
            (0, f"{name} is being drained\n", ""),
        )
        self.assertEqual(self.node.facts.get(f"admin:real:{name}"), "drain")
        self.assertEqual(
            await self.typed("lvs", "undrain", name),
            (0, f"{name} is used again\n", ""),
        )
        self.assertIsNone(self.node.facts.get(f"admin:real:{name}"))

    async def test_order(self):
        """Options may stand before, between and behind the words."""
        name = REAL["name"]
        for words in (
            ("-S", self.path, "drain", name),
            ("drain", "-S", self.path, name),
            ("drain", name, f"--socket={self.path}"),
            ("-S", self.path, "--", "drain", name),
        ):
            wanted = (0, f"{name} is being drained\n", "")
            self.assertEqual(await deferToThread(typed, "lvs", *words), wanted)
        words = ("bfd", "disable", "-jS", self.path, "peer")
        status, out, _ = await deferToThread(typed, *words)
        self.assertEqual((status, json.loads(out)["admin"]), (0, "down"))

    async def test_wrongOption(self):
        """An option that there is not is named, wherever it stands."""
        for words in (("-x", "drain"), ("drain", "-x")):
            status, _, err = await deferToThread(typed, "lvs", *words)
            self.assertNotEqual(status, 0)
            self.assertIn("option -x not recognized", err)

    async def test_unknown(self):
        """A name that the daemon does not know: status 1, and those that it does."""
        for words, line in (
            (("bfd", "x"), "there is no BFD session 'x'; there are: far, peer"),
            (("vrrp", "x"), "there is no VRRP instance 'x'; there are: VI_1"),
            (
                ("bfd", "disable", "x"),
                "there is no BFD session 'x'; there are: far, peer",
            ),
        ):
            self.assertEqual(await self.typed(*words), (1, "", f"hanode: {line}\n"))


class UnreachableTests(SynchronousTestCase):
    def test_nobody(self):
        """No daemon: status 1, which socket, and what may be the matter."""
        for command in ("bfd", "lvs", "vrrp"):
            self.assertEqual(
                typed(command, "-S", "/nowhere/h.sock"),
                (
                    1,
                    "",
                    "hanode: no daemon answers at /nowhere/h.sock:"
                    " No such file or directory\n"
                    "Is it running? Its configuration may say `http off`, or name"
                    " another socket: give that with -S.\n",
                ),
            )


class UsageTests(SynchronousTestCase):
    def test_senseless(self):
        """What makes no sense: status 2."""
        for words, why in (
            (("bfd", "disable"), "disable which session?"),
            (("bfd", "a", "b"), "one name is enough: a b"),
            (("bfd", "enable", "a", "b"), "one name is enough: enable a b"),
            (("lvs", "drain"), "drain which real server?"),
            (("lvs", "a", "b"), "one name is enough: a b"),
            (("bfd", "-S", "tcp:80"), "'tcp:80' is not a unix socket"),
            (("bfd", "-S", "unix:"), "'unix:' is not a unix socket"),
            (("bfd", "--nonsense"), "nonsense"),
            (("vrrp", "a", "b"), "Wrong number of arguments"),
        ):
            status, out, err = typed(*words)
            self.assertEqual((status, out), (2, ""), words)
            self.assertIn(why, err)

    def test_socket(self):
        """The socket may be a path or an endpoint; by default it is the daemon's."""
        for given, path in (
            ([], "/run/hanode/hanode.sock"),
            (["-S", "/a/b"], "/a/b"),
            (["--socket", "unix:/a/b:mode=600"], "/a/b"),
        ):
            options = LookOptions()
            options.parseOptions(given)
            self.assertEqual(client_of(options).path, path)

    def test_optionsAfterwards(self):
        """A verb may be the name of a session when it stands behind another."""
        options = BfdOptions()
        options.parseOptions(["disable", "enable"])
        self.assertEqual((options["wish"], options["name"]), ("down", "enable"))
