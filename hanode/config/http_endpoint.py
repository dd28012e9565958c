"""Reader of the endpoint at which the daemon lets itself be looked into."""

from __future__ import annotations

import re
from ipaddress import ip_address

from hanode.config.findings import Findings
from hanode.config.row import Keyword
from hanode.config.tree import Block
from hanode.config.values import argument

_COLON = re.compile(r"(?<!\\):")
_DIGITS = 5  # of the highest port


def endpoint(keyword: Keyword, block: Block, findings: Findings) -> str | None:
    """C{unix:PATH...}, C{tcp:PORT...} or C{off}, which is "".

    A TCP port that others than this machine can reach is only warned about.
    """
    word = argument(block, findings)
    if word is None:
        return None
    if word.text == "off":
        return ""
    kind, *parts = (part.replace("\\:", ":") for part in _COLON.split(word.text))
    plain = [part for part in parts if "=" not in part]
    named = dict(part.split("=", 1) for part in parts if "=" in part)
    what = "address" if kind == "unix" else "port"
    first = named.get(what, plain[0] if plain else "")
    if not (_is_port(first) if kind == "tcp" else kind == "unix" and first):
        findings.warning(
            word,
            f"'{word}' is no endpoint for {block.keyword}",
            f"write unix:PATH, tcp:PORT:interface=127.0.0.1 or off; "
            f"ignored; the default is {keyword.default_text}",
        )
        return None
    if kind == "tcp" and not _is_loopback(named.get("interface", "")):
        who = "and nobody is asked for a password"
        if block.keyword.text == "console":
            who = "and whoever has a key of console_keys may do everything"
        findings.warning(
            word,
            f"{block.keyword} {word}: others than this machine reach the port, {who}",
            "add :interface=127.0.0.1",
        )
    return word.text


def _is_port(text: str) -> bool:
    digits = text.isascii() and text.isdecimal() and len(text) <= _DIGITS
    return digits and int(text) <= 65535


def _is_loopback(text: str) -> bool:
    try:
        return text == "localhost" or ip_address(text).is_loopback
    except ValueError:
        return False
