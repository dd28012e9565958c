"""What hanode and keepalived do with the same file, as data.

The real servers are 10.0.0.1 to 10.0.0.9 (and fd00::1 to fd00::3) of this machine,
port 80, which answer unless a step takes them down. In the texts C{@1} is a real server
block of 10.0.0.1 with a TCP check and C{@1{...}} the same with more in it. C{TIMES}
makes everything quick, C{FOLDER} is where files of the scenario are.

Each step is a verb with what it needs, and the real servers that the kernel is to have
then: C{1=1 2=3} is 10.0.0.1 with weight 1 and 10.0.0.2 with 3, in every service that
has them. When both daemons are there, C{ipvsadm-save -n} must be equal.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """C{verb}: start, stop, reload, up, down, write, page; C{words} are its own."""

    verb: str
    words: tuple[str, ...]
    pool: str


@dataclass(frozen=True)
class Scenario:
    name: str
    config: str
    steps: tuple[Step, ...]


def step(verb: str, *words: str) -> Step:
    """The last word is the pool."""
    return Step(verb, words[:-1], words[-1])


def scenario(name: str, config: str, *steps: Step) -> Scenario:
    return Scenario(name, config, (*steps, step("stop", "")))


def web(inside: str, head: str = "192.0.2.1 80", protocol: str = "TCP") -> str:
    """One virtual server."""
    return f"virtual_server {head} {{\nTIMES\nprotocol {protocol}\n{inside}\n}}\n"


PAIR = "lvs_sched rr\nlvs_method NAT\n@1\n@2\n"
HTTP = """
real_server 10.0.0.{0} 80 {{
    HTTP_GET {{
        connect_timeout 1
        url {{
            path /
            {1}
        }}
    }}
}}
"""
MISC = """
real_server 10.0.0.{0} 80 {{
    weight {1}
    MISC_CHECK {{
        misc_path "/bin/sh FOLDER/{0}.sh"
        misc_timeout 5
        user root
        {2}
    }}
}}
"""

SCENARIOS = (
    scenario(
        "a server dies and returns",
        web(PAIR),
        step("start", "1=1 2=1"),
        step("down", "2", "1=1"),
        step("up", "2", "1=1 2=1"),
    ),
    scenario(
        "weights",
        web("lvs_sched wrr\nlvs_method NAT\n@1{weight 7}\n@2{weight 0}\n@3\n"),
        step("start", "1=7 2=0 3=1"),
        step("down", "1", "2=0 3=1"),
        step("up", "1", "1=7 2=0 3=1"),
    ),
    scenario(
        "direct routing",
        web("lvs_sched wlc\nlvs_method DR\n@1\n@2\n"),
        step("start", "1=1 2=1"),
        step("down", "1", "2=1"),
    ),
    scenario(
        "tunnel",
        web("lvs_sched lc\nlvs_method TUN\n@1\n@2\n"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "tunnels of other types",
        web(
            "lvs_sched rr\nlvs_method TUN type gue port 6080 csum\n"
            "@1\n@2{lvs_method TUN type gre}\n@3{lvs_method NAT}\n"
        ),
        step("start", "1=1 2=1 3=1"),
    ),
    scenario(
        "a method for each server",
        web("lvs_sched rr\nlvs_method NAT\n@1{lvs_method DR}\n@2\n"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "persistence",
        web(PAIR + "persistence_timeout 120\npersistence_granularity 255.255.255.0\n"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "persistence with the default time",
        web(PAIR + "persistence_timeout\n"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "any port is persistent",
        web("lvs_sched rr\nlvs_method DR\nreal_server 10.0.0.1 0 {\n}\n", "192.0.2.1"),
        step("start", "1=1"),
    ),
    scenario(
        "one-packet scheduling",
        web(
            "lvs_sched rr\nlvs_method NAT\nops\nreal_server 10.0.0.1 53 {\n}\n",
            "192.0.2.1 53",
            "UDP",
        ),
        step("start", "1=1"),
    ),
    scenario(
        "SCTP",
        web("lvs_sched rr\nlvs_method NAT\nreal_server 10.0.0.1 80 {\n}\n")
        + web(
            "lvs_sched sh\nlvs_method NAT\nreal_server 10.0.0.2 80 {\n}\n",
            protocol="SCTP",
        ),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "scheduler flags",
        web(PAIR.replace("rr", "sh") + "sh-port\nsh-fallback\n")
        + web(PAIR.replace("rr", "mh") + "mh-port\n", "192.0.2.2 80")
        + web(PAIR + "flag-3\nflag-1\n", "192.0.2.3 80"),
        step("start", "1=1 1=1 1=1 2=1 2=1 2=1"),
    ),
    scenario(
        "firewall mark",
        web("lvs_sched rr\nlvs_method DR\n@1\n@2\n", "fwmark 7"),
        step("start", "1=1 2=1"),
        step("down", "1", "2=1"),
    ),
    scenario(
        "firewall mark and NAT",
        web("lvs_sched rr\nlvs_method NAT\n@1\n@2\n", "fwmark 7"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "direct routing for a group of an address and a mark",
        "virtual_server_group both {\n192.0.2.1 80\nfwmark 9\n}\n"
        + web("lvs_sched rr\nlvs_method DR\n@1\n", "group both"),
        step("start", "1=1 1=1"),
    ),
    scenario(
        "tunnels for a mark",
        web("lvs_sched rr\nlvs_method TUN\n@1\n", "fwmark 7"),
        step("start", "1=1"),
    ),
    scenario(
        "direct routing for a group of two ports",
        "virtual_server_group ports {\n192.0.2.1 80\n192.0.2.1 81\n}\n"
        + web("lvs_sched rr\nlvs_method DR\n@1\n", "group ports"),
        step("start", "1=1 1=1"),
    ),
    scenario(
        "IPv6",
        web(
            "lvs_sched rr\nlvs_method NAT\npersistence_timeout 60\n"
            "persistence_granularity 64\n@fd00::1\n@fd00::2\n",
            "2001:db8::1 80",
        ),
        step("start", "fd00::1=1 fd00::2=1"),
        step("down", "fd00::2", "fd00::1=1"),
        step("up", "fd00::2", "fd00::1=1 fd00::2=1"),
    ),
    scenario(
        "a group of addresses, ranges and marks",
        "virtual_server_group many {\n192.0.2.1 80\n192.0.2.4-6 81\nfwmark 9\n}\n"
        + web(PAIR, "group many"),
        step("start", " ".join(["1=1"] * 5 + ["2=1"] * 5)),
        step("down", "1", " ".join(["2=1"] * 5)),
    ),
    scenario(
        "sorry server",
        web(PAIR + "sorry_server 10.0.0.9 80\n"),
        step("start", "1=1 2=1"),
        step("down", "1", "2=1"),
        step("down", "2", "9=1"),
        step("up", "1", "1=1"),
    ),
    scenario(
        "sorry server when the quorum is lost",
        web(
            "lvs_sched wrr\nlvs_method NAT\nquorum 3\nsorry_server 10.0.0.9 80\n"
            "@1{weight 2}\n@2{weight 2}\n@3\n"
        ),
        step("start", "1=2 2=2 3=1"),
        step("down", "3", "1=2 2=2"),
        step("down", "1", "9=1"),
        step("up", "3", "2=2 3=1"),
    ),
    scenario(
        "sorry server that stays with weight 0",
        web(PAIR + "sorry_server 10.0.0.9 80\nsorry_server_inhibit\n"),
        step("start", "1=1 2=1 9=0"),
        step("down", "1", "2=1 9=0"),
        step("down", "2", "9=1"),
        step("up", "1", "1=1 9=0"),
    ),
    scenario(
        "inhibit on failure",
        web("lvs_sched rr\nlvs_method NAT\n@1{inhibit_on_failure}\n@2\n"),
        step("start", "1=1 2=1"),
        step("down", "1", "1=0 2=1"),
        step("up", "1", "1=1 2=1"),
    ),
    scenario(
        "alpha",
        web(PAIR + "alpha\n"),
        step("down", "2", ""),
        step("start", "1=1"),
        step("up", "2", "1=1 2=1"),
    ),
    scenario(
        "thresholds",
        web("lvs_sched rr\nlvs_method NAT\n@1{uthreshold 100\nlthreshold 50}\n@2\n"),
        step("start", "1=1 2=1"),
    ),
    scenario(
        "status of a page",
        web(
            "lvs_sched rr\nlvs_method NAT\n" + HTTP.format(1, "status_code 200") + "@2"
        ),
        step("page", "404", "hello", ""),
        step("start", "2=1"),
        step("page", "200", "hello", "1=1 2=1"),
        step("page", "500", "hello", "2=1"),
    ),
    scenario(
        "digest of a page",
        web(
            "lvs_sched rr\nlvs_method NAT\n"
            + HTTP.format(1, "digest 5d41402abc4b2a76b9719d911017c592")
            + "@2"
        ),
        step("page", "200", "hello", ""),
        step("start", "1=1 2=1"),
        step("page", "200", "changed", "2=1"),
        step("page", "200", "hello", "1=1 2=1"),
    ),
    scenario(
        "a script decides",
        web("lvs_sched rr\nlvs_method NAT\n" + MISC.format(1, 1, "") + "@2"),
        step("write", "1.sh", "exit 0", ""),
        step("start", "1=1 2=1"),
        step("write", "1.sh", "exit 1", "2=1"),
        step("write", "1.sh", "exit 0", "1=1 2=1"),
    ),
    scenario(
        "a script weighs",
        web(
            "lvs_sched wrr\nlvs_method NAT\n" + MISC.format(1, 5, "misc_dynamic") + "@2"
        ),
        step("write", "1.sh", "exit 0", ""),
        step("start", "1=5 2=1"),
        step("write", "1.sh", "exit 42", "1=40 2=1"),
        step("write", "1.sh", "exit 2", "1=0 2=1"),
        step("write", "1.sh", "exit 1", "2=1"),
    ),
    scenario(
        "reload: a server more, a weight, a scheduler",
        web(PAIR),
        step("start", "1=1 2=1"),
        step(
            "reload",
            web("lvs_sched wrr\nlvs_method NAT\n@1{weight 4}\n@2\n@3\n"),
            "1=4 2=1 3=1",
        ),
        step("reload", web("lvs_sched wrr\nlvs_method NAT\n@3\n"), "3=1"),
    ),
    scenario(
        "reload: a service more, a service less",
        web(PAIR) + web("lvs_sched rr\nlvs_method NAT\n@3\n", "192.0.2.2 80"),
        step("start", "1=1 2=1 3=1"),
        step("reload", web(PAIR, "192.0.2.3 80"), "1=1 2=1"),
        step(
            "reload",
            web(PAIR) + web("lvs_sched lc\nlvs_method DR\n@4\n", "fwmark 3"),
            "1=1 2=1 4=1",
        ),
    ),
    scenario(
        "reload: persistence and flags come and go",
        web(PAIR),
        step("start", "1=1 2=1"),
        step("reload", web(PAIR + "persistence_timeout 77\nflag-2\n@3"), "1=1 2=1 3=1"),
        step("reload", web(PAIR), "1=1 2=1"),
    ),
)
