"""Files to models: the files that people copy, and any tree at all."""

from __future__ import annotations

from pathlib import Path
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from hanode.config import keywords
from hanode.config.build import build, load
from hanode.config.check import check
from hanode.config.model import GlobalDefs, Model, NodeDefs, Script
from hanode.config.notify_model import Mail, NotifyDefs
from hanode.config.problems import Place, Severity, worst
from hanode.config.row import BLOCK_TYPES
from hanode.config.tree import Block, Word
from tests.config.balancing import CHECKERS
from tests.config.reading import messages, said, tree

DATA = Path(__file__).parent.parent / "data"
EXAMPLES = Path(__file__).parent.parent.parent / "etc"


def read(path: Path) -> tuple[Model, list[str]]:
    """The model of a file, and what is said about it."""
    model, problems = load([str(path)], config_id="a", environ={}, random=Random(0))
    return model, messages(problems)


def summary(model: Model) -> dict[str, tuple[object, ...]]:
    """What tells the instances of these files apart."""
    return {
        name: (
            each.interface,
            each.vrid,
            each.state,
            each.priority,
            [str(address) for address in each.addresses],
        )
        for name, each in model.instances.items()
    }


class FileTests(SynchronousTestCase):
    """The kinds of file that guides print, as they are copied."""

    def test_multicast_pair(self) -> None:
        """Master and backup of a multicast pair load without a word."""
        held = ["192.0.2.200/24 dev ens160"]
        for role, priority in (("master", 101), ("backup", 100)):
            model, problems = read(DATA / f"multicast-{role}.conf")
            self.assertEqual(problems, [])
            self.assertEqual(
                summary(model),
                {"VI_1": ("ens160", 51, role.upper(), priority, held)},
            )
            authentication = model.instances["VI_1"].authentication
            assert authentication is not None
            self.assertEqual(str(authentication.secret), "1234")

    def test_unicast_pair(self) -> None:
        """A unicast pair whose password has a circumflex in it."""
        ends = {"a": ("198.51.100.20", "198.51.100.52")}
        ends["b"] = ends["a"][::-1]
        for node, (source, peer) in ends.items():
            model, problems = read(DATA / f"unicast-{node}.conf")
            self.assertEqual(problems, [])
            each = model.instances["VI_1"]
            assert each.authentication is not None
            self.assertEqual(
                (str(each.source), [str(p.address) for p in each.unicast_peers]),
                (source, [peer]),
            )
            self.assertEqual(str(each.authentication.secret), "q^7Lm2xA")

    def test_slashes_and_sync_group(self) -> None:
        """Comments with slashes are comments; what is not there yet is named."""
        model, problems = read(DATA / "sync-slashes.conf")
        self.assertEqual(
            summary(model),
            {
                "OUTSIDE": ("eth0", 50, "MASTER", 100, ["203.0.113.1/32 dev eth0"]),
                "INSIDE": ("eth1", 2, "MASTER", 100, ["192.0.2.1/32 dev eth1"]),
            },
        )
        self.assertEqual(
            [problem for problem in problems if "not yet supported" in problem],
            [
                f"warning: {word}: not yet supported: ignored"
                for word in ("(real_server 192.0.2.20 80) TCP_CHECK",)
            ],
        )
        self.assertEqual(len([p for p in problems if "//" in p]), len(problems) - 1)

    def test_nopreempt_and_notify(self) -> None:
        """nopreempt and a notify script, beside a tracked script."""
        model, problems = read(DATA / "two-nodes-nopreempt.conf")
        each = model.instances["VI_1"]
        self.assertEqual(
            (each.preempt, each.notify.always),
            (False, Script(("/usr/local/bin/state-changed.sh",))),
        )
        self.assertEqual(
            problems,
            [
                "warning: vrrp_script: not yet supported: ignored",
                "warning: (VI_1) track_script: not yet supported: ignored",
                "warning: SECURITY VIOLATION - scripts are being executed but "
                "script_security not enabled.",
            ],
        )

    def test_balancer_only(self) -> None:
        """A file with virtual servers alone has something to run."""
        path = str(DATA / "nat-balancer.conf")
        model, problems = load(
            [path], config_id="a", environ={}, random=Random(0), checkers=CHECKERS
        )
        self.assertEqual(problems, [])
        (server,) = model.virtual_servers.values()
        self.assertEqual(
            (server.name, server.persistence, [str(r) for r in server.real_servers]),
            (
                "[203.0.113.1]:tcp:80",
                9600,
                ["[192.0.2.20]:80", "[192.0.2.21]:80"],
            ),
        )
        self.assertEqual(
            {check.target.timeout for r in server.real_servers for check in r.checks},
            {10.0},
        )

    def test_mail_only(self) -> None:
        """A file with global_defs alone."""
        model, problems = read(DATA / "mail-only.conf")
        mail = Mail(("ops@example.net",), "node@example.net", "127.0.0.1", timeout=60.0)
        defs = GlobalDefs(router_id="LVS_TEST", notify=NotifyDefs(mail=mail))
        self.assertEqual((model, len(problems)), (Model(defs), 1))

    def test_fragment(self) -> None:
        """A fragment with dots in it: the instance lacks a VRID and is dropped."""
        self.assertEqual(
            read(DATA / "fragment.conf"),
            (
                Model(),
                [
                    "warning: (test_instance) Unknown keyword '...'",
                    "dropped: (test_instance) the virtual router id must be set",
                    "warning: there is no configuration to run",
                ],
            ),
        )

    def test_shipped_examples(self) -> None:
        """The examples that come with hanode load without a word."""
        files = ["node.conf", "pair/a.conf", "pair/b.conf"]
        found = [read(EXAMPLES / name) for name in files]
        self.assertEqual([problems for _, problems in found], [[], [], []])
        a, b = (model.instances["VI_1"] for model, _ in found[1:])
        self.assertEqual((a.vrid, a.addresses), (b.vrid, b.addresses))
        self.assertEqual(a.authentication, b.authentication)


class GlobalTests(SynchronousTestCase):
    def test_record(self) -> None:
        """The settings of the node, from more than one block."""
        model, problems = build(
            tree(
                "global_defs {\nrouter_id a\nscript_user bob staff\n"
                "enable_script_security\ninclude_check readable\n}\n"
                "global_defs {\nrouter_id b\nvrrp_startup_delay 2.5\n"
                "log_unknown_vrids\n}"
            )
        )
        self.assertEqual(problems, [])
        self.assertEqual(model, Model(GlobalDefs("b", "bob", "staff", True, 2.5, True)))

    def test_order_does_not_matter(self) -> None:
        """Defaults hold for instances above global_defs, too."""
        model, _ = build(
            tree(
                "vrrp_instance a {\ninterface eth0\nvirtual_router_id 1\n"
                "virtual_ipaddress {\n192.0.2.1\n}\n}\n"
                "global_defs {\nvrrp_version 3\n}"
            )
        )
        self.assertEqual(model.instances["a"].version, 3)

    def test_classic_zero_interval(self) -> None:
        """vrrp_garp_interval 0 of the classic sample is harmless."""
        _, problems = build(tree("global_defs {\nvrrp_garp_interval 0\n}"))
        self.assertEqual(
            said(problems),
            [
                "2 warning: number '0' outside range [0.000001, 4294.967295]: "
                "vrrp_garp_interval '0' is invalid (ignored; the default is 0)"
            ],
        )

    def test_node(self) -> None:
        """The block hanode, which may be given more than once."""
        model, problems = build(tree("hanode {\nhttp off\n}\nhanode {\n}"))
        self.assertEqual((model, problems), (Model(node=NodeDefs("")), []))


class InstanceTests(SynchronousTestCase):
    def build(self, *heads: str) -> tuple[list[str], list[str]]:
        """The names of the instances that run, and what is said."""
        model, problems = build(
            tree(
                "\n".join(
                    f"{head}\nno_virtual_ipaddress\ninterface eth0\n}}"
                    for head in heads
                )
            )
        )
        return list(model.instances), said(problems)

    def test_same_name(self) -> None:
        """Of two instances with one name the second one is skipped."""
        self.assertEqual(
            self.build(
                "vrrp_instance a {\nvirtual_router_id 1",
                "vrrp_instance a {\nvirtual_router_id 2",
            ),
            (
                ["a"],
                [
                    "6 dropped: (a) vrrp instance a already defined - ignoring this "
                    "one (give it another name)"
                ],
            ),
        )

    def test_same_vrid(self) -> None:
        """Of two instances with one VRID the second one is dropped."""
        self.assertEqual(
            self.build(
                "vrrp_instance a {\nvirtual_router_id 1",
                "vrrp_instance b {\nvirtual_router_id 1",
                "vrrp_instance c {\nvirtual_router_id 1\nmcast_dst_ip 224.0.0.7",
            ),
            (
                ["a", "c"],
                [
                    "6 dropped: (b) a and b both use VRID 1 with IPv4 on interface "
                    "eth0 (give each instance of an interface its own "
                    "virtual_router_id)"
                ],
            ),
        )

    def test_no_name(self) -> None:
        """An instance without a name is an error."""
        names, problems = self.build("vrrp_instance {\nvirtual_router_id 1")
        self.assertEqual(
            (names, problems),
            (
                [],
                [
                    "1 error: *** Configuration line starting `vrrp_instance` is "
                    "missing a parameter after keyword `vrrp_instance` at word "
                    "position 2 (give the instance a name)"
                ],
            ),
        )

    def test_surplus_words(self) -> None:
        """Words behind the name are ignored."""
        self.assertEqual(
            self.build("vrrp_instance a b c {\nvirtual_router_id 1"),
            (
                ["a"],
                [
                    "1 warning: (a) vrrp_instance has surplus words from 'b' on "
                    "(the name is one word)"
                ],
            ),
        )

    def test_no_block(self) -> None:
        """An instance without braces is an empty one."""
        model, problems = build(tree("vrrp_instance a\nglobal_defs"))
        self.assertEqual(model, Model())
        self.assertEqual(
            messages(problems),
            [
                "warning: Missing '{' at beginning of configuration block",
                "warning: (a) Missing '{' at beginning of configuration block",
                "dropped: (a) the virtual router id must be set",
            ],
        )
        self.assertEqual(worst(problems), Severity.DROPPED)


HERE = Place("x.conf", 1, 1)
JUNK = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["eth0", "192.0.2.1/24", "::1", "224.0.0.1", "1", "0", "-1", "1.5s", "weight"]
        + ["dev", "peer", "brd", "+", "min_ttl", "on", "MASTER", "3", "PASS", "'", "\\"]
        + ["group", "fwmark", "TUN", "type", "gue", "port", "VS", "overwrite", "inst"]
        + ["simple", "reverse", "unix:x", "tcp:1", "a", "fe80::1", "10.5", "0"]
    ),
)


def words(first: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[Word, ...]]:
    """A statement: a word of C{first} and junk behind it."""
    return st.builds(
        lambda head, rest: tuple(Word(text, HERE) for text in (head, *rest)),
        first,
        st.lists(JUNK, max_size=4),
    )


def statements(path: tuple[str, ...]) -> st.SearchStrategy[Block]:
    """Any statement inside C{path}: known keywords, junk arguments, junk blocks."""
    rows = keywords.SUPPORTED.get(path, {})
    entries = st.lists(st.builds(Block, words(JUNK)), max_size=3).map(tuple)

    def inside(head: tuple[Word, ...]) -> st.SearchStrategy[Block]:
        deeper = (*path, head[0].text)
        row = rows.get(head[0].text)
        children: st.SearchStrategy[object] = st.none() | entries
        if deeper in keywords.SUPPORTED:
            children = st.lists(statements(deeper), max_size=8).map(tuple)
        elif row is not None and row.type in BLOCK_TYPES:
            children = entries
        raw = st.just(" ".join(word.text for word in head)) | st.just("")
        return st.builds(Block, st.just(head), children, raw)

    return words(st.sampled_from(sorted(keywords.KNOWN[path])) | JUNK).flatmap(inside)


class AnyTreeTests(SynchronousTestCase):
    @settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(statements(()), max_size=3),
        st.lists(statements(("global_defs",)), max_size=5),
        st.lists(statements(("vrrp_instance",)), max_size=12),
        st.lists(statements(("bfd_instance",)), max_size=12),
        st.lists(statements(("bfd_unsolicited",)), max_size=6),
        st.lists(statements(("virtual_server",)), max_size=12),
    )
    def test_nothing_raises(
        self,
        root: list[Block],
        shared: list[Block],
        own: list[Block],
        session: list[Block],
        accepted: list[Block],
        service: list[Block],
    ) -> None:
        """Whatever the tree, there is a model and a list of problems."""
        basic = tree("virtual_router_id 1\ninterface eth0")
        name = Word("a", HERE)
        head = (Word("vrrp_instance", HERE), name)
        end = tree("neighbor_ip 192.0.2.2")
        model, problems = build(
            (
                *root,
                Block((Word("global_defs", HERE),), tuple(shared)),
                Block(head, (*basic, *own)),
                Block((Word("bfd_instance", HERE), name), (*end, *session)),
                Block((Word("bfd_unsolicited", HERE), name), tuple(accepted)),
                Block(tree("virtual_server 192.0.2.1 80")[0].words, tuple(service)),
            ),
            CHECKERS,
        )
        for problem in (*problems, *check(model)):
            problem.drawing()
        for instance in model.instances.values():
            self.assertIn(instance.family, (4, 6))
            self.assertTrue(0.01 <= instance.advert_int <= 255)
            self.assertTrue(1 <= instance.priority <= 255)
        for server in model.virtual_servers.values():
            self.assertTrue(0 <= server.hysteresis < server.quorum)
            self.assertTrue(server.real_servers)
        for bfd in model.bfd_instances.values():
            self.assertTrue(0 <= bfd.route.least_ttl <= 255)
            self.assertTrue(1 <= bfd.parameters.multiplier <= 255)
