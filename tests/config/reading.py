"""What the tests of the configuration share: text in, model and messages out."""

from __future__ import annotations

from collections.abc import Iterable

from hanode.config.bfd_model import BfdInstance
from hanode.config.build import build
from hanode.config.model import VrrpInstance
from hanode.config.parser import parse_text
from hanode.config.problems import Problem
from hanode.config.tree import Block

BASIC = """
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.10/24
    }
"""


def tree(text: str) -> tuple[Block, ...]:
    """The blocks of C{text}, which the parser must take without a word."""
    blocks, problems = parse_text(text, "test.conf")
    assert problems == [], problems
    return blocks


def said(problems: Iterable[Problem]) -> list[str]:
    """Each problem as C{LINE severity: message (remedy)}, without the file name."""
    return [
        f"{each.place.line if each.place else '-'} {each.severity.value}: "
        f"{each.message}" + (f" ({each.remedy})" if each.remedy else "")
        for each in problems
    ]


def messages(problems: Iterable[Problem]) -> list[str]:
    """Each problem as C{severity: message}."""
    return [f"{each.severity.value}: {each.message}" for each in problems]


def bfd(lines: str, name: str = "a") -> tuple[BfdInstance | None, list[str]]:
    """The bfd_instance C{name} with C{lines} and a neighbour, and what is said."""
    text = f"bfd_instance {name} {{\nneighbor_ip 192.0.2.2\n{lines}\n}}\n"
    model, problems = build(tree(text))
    return model.bfd_instances.get(name), said(problems)


def instance(
    lines: str, global_defs: str = "", basic: str = BASIC
) -> tuple[VrrpInstance | None, list[str]]:
    """The instance VI_1 with C{lines} after C{basic}, and the messages."""
    text = f"vrrp_instance VI_1 {{\n{basic}\n{lines}\n}}\n"
    if global_defs:
        text = f"global_defs {{\n{global_defs}\n}}\n{text}"
    model, problems = build(tree(text))
    return model.instances.get("VI_1"), messages(problems)


def good(lines: str, global_defs: str = "", basic: str = BASIC) -> VrrpInstance:
    """As L{instance}, for what must be accepted without a word."""
    found, problems = instance(lines, global_defs, basic)
    assert found is not None, problems
    assert problems == [], problems
    return found
