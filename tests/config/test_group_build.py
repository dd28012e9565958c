"""Claims about sync groups: who is a member, and what members take from their group."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from hanode.config.build import build
from hanode.config.model import Model, Notify, Script, SyncGroup
from hanode.config.track_model import Tracked
from tests.config.reading import messages, tree


def instance(name: str, vrid: int, extra: str = "") -> str:
    """A vrrp_instance."""
    return (
        f"vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id {vrid}\n"
        f"virtual_ipaddress {{\n192.0.2.{vrid}\n}}\n{extra}\n}}\n"
    )


PAIR = instance("A", 1) + instance("B", 2)
TRACK = "track_interface {\neth1 weight 10\neth2\n}\ntrack_bfd {\npeer weight 5\n}"
PEER = "bfd_instance peer {\nneighbor_ip 192.0.2.9\n}\n"


def read_text(text: str) -> tuple[Model, list[str]]:
    """The model, and what is said about it."""
    model, problems = build(tree(text))
    return model, messages(problems)


class GroupTests(SynchronousTestCase):
    def groups(self, text: str) -> tuple[dict[str, SyncGroup], list[str]]:
        """The groups of C{text}, and its problems."""
        self.model, problems = read_text(text)
        return dict(self.model.groups), problems

    def test_a_group(self) -> None:
        """Members in the order of the file, in one line or several; its scripts."""
        for words in ("B A", "B\nA"):
            groups, problems = self.groups(
                f"vrrp_sync_group G {{\ngroup {{\n{words}\n}}\n"
                f'notify_master "/bin/up 1"\nnotify /bin/any\n}}\n{PAIR}'
            )
            notify = Notify(
                master=Script(("/bin/up", "1")), always=Script(("/bin/any",))
            )
            self.assertEqual(groups, {"G": SyncGroup("G", ("B", "A"), notify)})
            self.assertEqual([p for p in problems if "SECURITY" not in p], [])
            found = self.model.instances.values()
            self.assertEqual([each.group for each in found], ["G", "G"])

    def test_who_is_no_member(self) -> None:
        """Missing instances, second groups and repetitions are ignored."""
        groups, problems = self.groups(
            "vrrp_sync_group G {\ngroup {\nA\nX\nA\nB\n}\n}\n"
            "vrrp_sync_group H {\ngroup {\nB\nC\n}\n}\n" + PAIR + instance("C", 3)
        )
        self.assertEqual(
            {name: each.members for name, each in groups.items()},
            {"G": ("A", "B"), "H": ("C",)},
        )
        self.assertEqual(
            problems,
            [
                "warning: (G) Virtual router X specified in sync group G doesn't exist"
                " - ignoring",
                "warning: (G) Virtual router A is named twice; ignoring G",
                "warning: (H) Virtual router B cannot exist in more than one sync"
                " group; ignoring H",
                "warning: (H) Sync group H has only 1 virtual router(s)"
                " - this probably isn't what you want",
            ],
        )

    def test_no_members(self) -> None:
        """A group without members is dropped, and so is a second one of a name."""
        for inside in ("", "group {\nX\n}\n"):
            groups, problems = self.groups(f"vrrp_sync_group G {{\n{inside}}}\n{PAIR}")
            self.assertEqual(groups, {})
            self.assertEqual(
                problems[-1],
                "dropped: (G) Sync group G has no virtual router(s) - removing",
            )
        again = "vrrp_sync_group G {\ngroup {\nA B\n}\n}\n"
        groups, problems = self.groups(again + again + PAIR)
        self.assertEqual(list(groups), ["G"])
        self.assertEqual(
            problems,
            ["dropped: (G) sync group G already defined - ignoring this one"],
        )

    def test_mixed_states(self) -> None:
        """Some with state MASTER: all start as BACKUP; owners wait for the others."""
        text = "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n" + instance("B", 2)
        _, problems = self.groups(text + instance("A", 1, "state MASTER\npriority 255"))
        self.assertEqual(
            [each.state for each in self.model.instances.values()], ["BACKUP"] * 2
        )
        self.assertEqual(
            problems,
            [
                "warning: (G) only A with initial state MASTER: all members start as"
                " BACKUP",
                "warning: (G) A with priority 255, address owner, and the other members"
                " not: the owner waits for them",
            ],
        )

    def test_same_states(self) -> None:
        """All with state MASTER: they keep it."""
        members = [
            instance(n, i, "state MASTER\npriority 9") for i, n in ((1, "A"), (2, "B"))
        ]
        self.groups("vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\n" + "".join(members))
        self.assertEqual(
            [each.state for each in self.model.instances.values()], ["MASTER"] * 2
        )

    def test_weights(self) -> None:
        """Weights of members do not count, unless the group says so."""
        for word in ("", "sync_group_tracking_weight", "global_tracking"):
            text = f"vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{word}\n}}\n" + PEER
            _, problems = self.groups(text + instance("A", 1, TRACK) + instance("B", 2))
            ignored = [
                "warning: (A) ignoring tracked bfd peer with weight 5: members of group"
                " G have no weights",
                "warning: (A) ignoring tracked interface eth1 with weight 10: members"
                " of group G have no weights",
            ]
            old = [
                "warning: (G) global_tracking is deprecated. Please use"
                " sync_group_tracking_weight"
            ]
            wanted = {"": ignored, "global_tracking": old}.get(word, [])
            self.assertEqual(problems, wanted)
            tracked = [str(each) for each in self.model.instances["A"].track]
            all_of_them = ["bfd peer", "interface eth1", "interface eth2"]
            self.assertEqual(tracked, all_of_them if word else all_of_them[2:])

    def test_group_trackers(self) -> None:
        """What the group tracks all members track; a member's own line is ignored."""
        text = f"vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{TRACK}\n}}\n" + PEER
        again = "track_interface {\neth2\neth3\n}"
        _, problems = self.groups(text + instance("A", 1, again) + instance("B", 2))
        shared = [
            Tracked("bfd", "peer", 5),
            Tracked("interface", "eth1", 10),
            Tracked("interface", "eth2"),
        ]
        self.assertEqual(
            [list(each.track) for each in self.model.instances.values()],
            [[*shared, Tracked("interface", "eth3")], shared],
        )
        self.assertEqual(
            problems,
            ["warning: (A) ignoring tracked interface eth2: its group G tracks it too"],
        )

    def test_priority_changes(self) -> None:
        """notify_priority_changes of the group is that of its members."""
        for word, wanted in (("notify_priority_changes", True), ("", False)):
            self.groups(f"vrrp_sync_group G {{\ngroup {{\nA\nB\n}}\n{word}\n}}\n{PAIR}")
            for each in self.model.instances.values():
                self.assertIs(each.notify_priority_changes, wanted)


class LateTimerTests(SynchronousTestCase):
    def test_timer_expired_backup(self) -> None:
        """It needs nopreempt; alone it means 254; its old name is known."""
        old = "warning: (A) thread_timer_expired should be timer_expired_backup"
        useless = "warning: (A) timer_expired_backup has no effect without nopreempt"
        for words, value, told in (
            ("nopreempt", 0, []),
            ("nopreempt\ntimer_expired_backup", 254, []),
            ("nopreempt\ntimer_expired_backup 100", 100, []),
            ("nopreempt\nthread_timer_expired 100", 100, [old]),
            ("timer_expired_backup", 0, [useless]),
        ):
            model, problems = read_text(instance("A", 1, words))
            self.assertEqual(problems, told)
            self.assertEqual(model.instances["A"].timer_expired_backup, value)
