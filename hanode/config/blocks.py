"""Reads the statements of a block into settings: field -> value.

Every word is looked up in the table. One that keepalived has and hanode does not
yet, and one that nobody knows, is a warning; a block behind it is skipped whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from hanode.config import (
    addresses,
    auth_entries,
    balance_entries,
    balance_sync,
    bfd_entries,
    checker_entries,
    dump_entries,
    entries,
    future,
    group_entries,
    http_endpoint,
    keywords,
    notify_entries,
    packet_entries,
    probe_entries,
    process_entries,
    scripts,
    values,
    vmac_entries,
)
from hanode.config.findings import Findings
from hanode.config.future import Path
from hanode.config.model import Secret
from hanode.config.row import BLOCK_TYPES, Keyword
from hanode.config.tree import Block

Settings = dict[str, Any]


def known(
    blocks: Iterable[Block],
    path: Path,
    findings: Findings,
    table: Mapping[str, Keyword] | None = None,
) -> Iterator[tuple[Keyword, Block]]:
    """The statements of C{path} that hanode acts on; warnings about the others.

    @param table: word -> row, where it is not that of C{path} in the table of all.
    """
    if table is None:
        table = keywords.SUPPORTED[path]
    named: set[str] = set()
    for block in blocks:
        if not block.words:
            continue
        word = block.keyword.text
        row = table.get(word)
        if row is not None:
            if block.children is not None and row.type not in BLOCK_TYPES:
                findings.warning(
                    block,
                    f"Unexpected '{{' behind {word} - ignoring",
                    f"{word} has no block",
                )
            yield row, block
        elif word not in named:
            named.add(word)
            _unsupported(block, path, findings, table)


def _unsupported(
    block: Block, path: Path, findings: Findings, table: Mapping[str, Keyword]
) -> None:
    word = block.keyword.text
    if word in future.WORDS.get(path, ()):
        offer = keywords.offer(word, table)
        findings.warning(block, f"{word}: not yet supported: ignored", offer)
        return
    skipped = " and its block" if block.children is not None else ""
    remedy = keywords.remedy(path, word, table)
    known = keywords.homes(word) or remedy.startswith("did you mean")
    if findings.keeps_secrets and not known:
        word, remedy = "...", "it is not shown, because it may be a secret"
    findings.warning(block, f"Unknown keyword '{word}'{skipped}", remedy)


def settings(
    blocks: Iterable[Block],
    path: Path,
    findings: Findings,
    table: Mapping[str, Keyword] | None = None,
) -> Settings:
    """What the statements say: the last one wins, lists grow, scripts come first."""
    found: Settings = {}
    for row, block in known(blocks, path, findings, table):
        value = READERS[row.type](row, block, findings)
        if value is None:
            value = row.fallback
        if value is None:
            continue
        if isinstance(value, list):
            found.setdefault(row.field, []).extend(value)
        elif row.type.startswith(("script", "fifo")) and row.field in found:
            script = " script" if row.type.startswith("script") else ""
            findings.warning(
                block,
                f"{row.word}{script} already specified - ignoring "
                f"{' '.join(map(str, block.arguments[:1])) or 'this one'}",
                "remove one of the two",
            )
        else:
            found[row.field] = value
    return found


def body(block: Block, findings: Findings) -> tuple[Block, ...]:
    """The statements between the braces of C{block}."""
    if block.children is None:
        findings.warning(
            block,
            "Missing '{' at beginning of configuration block",
            f"write {block.keyword} ... {{ on one line",
        )
        return ()
    return block.children


def _block(row: Keyword, block: Block, findings: Findings) -> Any:
    """A block inside a block: the settings in it, or itself when nothing reads it."""
    if not row.path:
        return block
    table = {each.word: each for each in row.inside} or None
    return settings(body(block, findings), row.path, findings, table)


def _private_block(row: Keyword, block: Block, findings: Findings) -> Any:
    """A block with passwords in it."""
    return _block(row, block, findings.private())


def _optional_block(row: Keyword, block: Block, findings: Findings) -> Any:
    """A block that may be left out when nothing in it is to be said."""
    values.surplus(block, 0, findings)
    return {} if block.children is None else _block(row, block, findings)


def _password(row: Keyword, block: Block, findings: Findings) -> Secret | None:
    """The password as the eight octets of RFC 2338 5.3.6 can hold it."""
    if not block.arguments:
        findings.missing(block, 1)
        return None
    if len(block.arguments) > 1:
        findings.warning(
            block,
            "auth_pass has surplus words: only the first one counts",
            "put a password with blanks in double quotes",
        )
    octets = block.arguments[0].text.encode("utf-8", "surrogateescape")
    if len(octets) > 8:
        findings.warning(
            block,
            "Truncating auth_pass to 8 characters",
            "keepalived truncates it too; the other nodes must agree on these 8",
        )
    return Secret(octets[:8].decode("utf-8", "surrogateescape"))


READERS: Mapping[str, values.Reader] = {
    **values.READERS,
    **probe_entries.READERS,
    **process_entries.READERS,
    **dump_entries.READERS,
    **checker_entries.READERS,
    **balance_entries.READERS,
    **vmac_entries.READERS,
    **notify_entries.READERS,
    "sync daemon": balance_sync.sync_daemon,
    "sync interface": balance_sync.sync_interface,
    "addresses": addresses.addresses,
    "static addresses": addresses.static_addresses,
    "extra": entries.extra,
    "lines": entries.whole_lines,
    "all words": entries.all_words,
    "peers": entries.peers,
    "tracked": entries.tracked,
    "members": group_entries.members,
    "old name": group_entries.old_name,
    "integer or nothing": group_entries.integer_or_nothing,
    "bfd weight": bfd_entries.weight,
    "bfd authentication type": bfd_entries.authentication_type,
    "bfd key": bfd_entries.key,
    "networks": bfd_entries.networks,
    "endpoint": http_endpoint.endpoint,
    "script": scripts.script,
    "script or nothing": scripts.script_or_nothing,
    "block": _block,
    "private block": _private_block,
    "optional block": _optional_block,
    "password": _password,
    "hmac key": auth_entries.key,
    "never": packet_entries.never,
    "receive buffer": packet_entries.policy,
}
