"""hanode status, watch, why, events and reload against a console in this process."""

import json

from twisted.internet.threads import deferToThread

from hanode.console.overview import status
from hanode.reload import Outcome
from tests.console.case import ConsoleCase
from tests.test_cli import typed


class CommandTests(ConsoleCase):
    async def setUp(self):
        super().setUp()
        self.node.facts.set("vrrp:VI_1", "BACKUP", "a better master")
        self.service = await self.serve()

    async def typed(self, command, *words):
        """Status, standard output and standard error."""
        return await deferToThread(typed, command, "-S", self.path, *words)

    async def test_status(self):
        """One screen, or all of it as JSON."""
        code, out, err = await self.typed("status")
        self.assertEqual((code, err), (0, ""))
        for part in ("up for", "VI_1", "BFD sessions: 1 Up, 1 AdminDown", "TIME"):
            self.assertIn(part, out)
        code, out, _ = await self.typed("status", "--json")
        record = json.loads(out)
        self.assertEqual(record["bfd"], {"UP": 1, "ADMIN_DOWN": 1})
        self.assertIn("VI_1", status(record))

    async def test_watch(self):
        """The same as often as is wanted."""
        code, out, _ = await self.typed("watch", "-n", "0.01", "-c", "3")
        self.assertEqual((code, out.count("hanode on ")), (0, 3))

    async def test_watchNobody(self):
        """Without a daemon, and without a person who looks on, it ends."""
        await self.service.stopService()
        code, out, err = await self.typed("watch", "-n", "0.01")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("no daemon answers", err)

    async def test_why(self):
        """In words; somebody who does not exist is answered with who does."""
        code, out, _ = await self.typed("why", "VI_1")
        self.assertEqual(code, 0)
        self.assertIn("VI_1 has been BACKUP", out)
        code, out, _ = await self.typed("why", "-j", "VI_1")
        self.assertEqual(json.loads(out)["name"], "VI_1")
        code, out, err = await self.typed("why", "VI_9")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("there are: VI_1", err)
        self.assertEqual((await self.typed("why"))[0], 2)

    async def test_drainNobody(self):
        """What is neither a real server nor an instance is answered with who is."""
        code, out, err = await self.typed("drain", "VI_9")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("there is no real server 'VI_9'; there are: ", err)
        self.assertIn("nor is it a VRRP instance; these are: VI_1", err)

    async def test_events(self):
        """The latest, as many as are wanted."""
        _, out, _ = await self.typed("events", "1")
        self.assertEqual(len(out.splitlines()), 2)
        self.assertIn("a better master", out)
        _, out, _ = await self.typed("events", "-j", "2")
        self.assertEqual(len(json.loads(out)["events"]), 2)
        self.assertEqual((await self.typed("events", "0"))[1], "nothing has happened\n")
        self.assertEqual((await self.typed("events", "x"))[0], 2)

    async def test_reload(self):
        """What has changed, and what was odd; refused is status 1."""
        self.assertEqual(
            await self.typed("reload"),
            (0, "reloaded: 1 changed (VI_1)\n", "warning: odd\n"),
        )
        self.reloader.outcome = Outcome(False)
        code, out, err = await self.typed("reload")
        self.assertEqual((code, out, err), (0, "reloaded: nothing changes\n", ""))
        self.reloader.outcome = Outcome(True, ("error: no",))
        self.assertEqual(
            await self.typed("reload"),
            (1, "", "error: no\nhanode: reload refused\n"),
        )
        self.assertEqual(self.reloader.asked, ["reload"] * 3)

    async def test_reloadJson(self):
        """The same as JSON, with the same status."""
        code, out, _ = await self.typed("reload", "-j")
        self.assertEqual((code, json.loads(out)["difference"]), (0, "1 changed (VI_1)"))
        self.reloader.outcome = Outcome(True, ("error: no",))
        code, out, _ = await self.typed("reload", "-j")
        self.assertEqual((code, json.loads(out)["problems"]), (1, ["error: no"]))

    async def test_compare(self):
        """check --diff asks what a reload would do."""
        code, out, _ = await self.typed("check", "--diff")
        self.assertEqual((code, out), (0, "a reload would do: 1 changed (VI_1)\n"))
        await self.typed("check", "--diff", "/etc/x.conf")
        self.assertEqual(self.reloader.asked, [None, "/etc/x.conf"])
        code, _, err = await self.typed("check", "--diff", "a", "b")
        self.assertEqual((code, "one file" in err), (2, True))
        self.reloader.outcome = Outcome(True, ("error: no",))
        code, _, err = await self.typed("check", "--diff")
        self.assertEqual((code, "a reload would be refused" in err), (1, True))
