"""The words of HTTP_GET and SSL_GET, and the record that is made of them.

keepalived.conf(5), HTTP_GET. fast_recovery is taken and changes nothing: every round
looks at all urls without a pause. So does regex_stack: no just-in-time compiler, no
stack of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hanode import pcre
from hanode.config import blocks
from hanode.config.checker_words import CheckerWords, Surroundings
from hanode.config.draft import Written
from hanode.config.row import Keyword
from hanode.config.scalars import Secret
from hanode.config.tree import Block

GOOD = ((200, 299),)  # status codes, where none are named
MAX_BODY = 1 << 20  # bytes
_UINT = 4294967295
_REAL = ("virtual_server", "real_server")

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Regex:
    """What the body must match, or must not: PCRE2 text and option bits.

    The match has to begin between C{first} and C{last} (None: anywhere behind it),
    in bytes of the body.
    """

    text: bytes
    options: int = 0
    absent: bool = False
    first: int = 0
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Url:
    """One page and what it has to be like; C{digest} "" for any."""

    path: str
    host: str = ""  # "" for the address
    status: Ranges = GOOD
    digest: str = ""
    regex: Regex | None = None
    compliant: bool = False


@dataclass(frozen=True, slots=True)
class Tls:
    """How SSL_GET does TLS: names to ask for and to find, "" for none.

    The other fields are those of L{hanode.tls.Credentials}.
    """

    sni: str = ""
    name: str = ""
    certificate: str = ""
    key: str = ""
    password: str = ""
    ca: str = ""
    verify: bool = False

    def __repr__(self) -> str:
        return f"Tls(sni={self.sni!r}, name={self.name!r}, verify={self.verify})"


@dataclass(frozen=True, slots=True)
class HttpOptions:
    """What HTTP_GET and SSL_GET were told; C{tls} has one entry for each url, or none.

    C{version} is 1.0 or 1.1, C{closing} whether to send Connection: close.
    """

    urls: tuple[Url, ...]
    version: str = "1.0"
    closing: bool = False
    max_body: int = MAX_BODY
    tls: tuple[Tls, ...] = ()


_URL = (
    Keyword("path", "path", "word"),
    Keyword("digest", "digest", "digest"),
    Keyword("status_code", "status", "ranges", low=100, high=599),
    Keyword("virtualhost", "virtualhost", "word"),
    Keyword("regex", "regex", "quoted"),
    Keyword("regex_no_match", "absent", "flag"),
    Keyword("regex_options", "options", "choices", choices=tuple(pcre.OPTIONS)),
    Keyword("regex_min_offset", "first", "integer", "bytes", high=_UINT),
    Keyword("regex_max_offset", "last", "integer", "bytes", high=_UINT),
    Keyword("regex_stack", "stack", "pair", "bytes", high=_UINT),
    Keyword("tls_compliant", "compliant", "boolean"),
)
_TABLE = {row.word: row for row in _URL}
_PROTOCOLS = ("1.0", "1.0c", "1.0C", "1.1", "1.1c", "1.1C")


def _rows(keyword: str) -> tuple[Keyword, ...]:
    path = (*_REAL, keyword, "url")
    return (
        Keyword("nb_get_retry", "retry", "integer", low=0, high=_UINT),
        Keyword("virtualhost", "virtualhost", "word"),
        Keyword(
            "http_protocol", "protocol", "choice", default="1.0", choices=_PROTOCOLS
        ),
        Keyword("enable_sni", "enable_sni", "boolean", default=False),
        Keyword("sni_name", "sni_name", "word or nothing", value=""),
        Keyword("fast_recovery", "fast_recovery", "boolean", default=False),
        Keyword("tls_compliant", "compliant", "boolean", default=False),
        Keyword("url", "urls", "blocks", path=path, inside=_URL),
        Keyword(
            "max_body",
            "max_body",
            "integer",
            "bytes",
            1,
            1 << 30,
            default=MAX_BODY,
            only_hanode=True,
        ),
    )


_VERIFYING = (
    Keyword("verify", "verify", "boolean", default=False, only_hanode=True),
    Keyword("ca", "ca", "word", only_hanode=True),
)


def words(keyword: str, secure: bool) -> CheckerWords:
    """What the configuration needs to know of HTTP_GET, or of SSL_GET."""
    rows = _rows(keyword) + (_VERIFYING if secure else ())
    path = (*_REAL, keyword, "url")
    return CheckerWords(keyword, rows, _options(path, secure), delay_before_retry=3.0)


def _options(
    path: tuple[str, ...], secure: bool
) -> Callable[[Written, Surroundings], HttpOptions | None]:
    def options(written: Written, around: Surroundings) -> HttpOptions | None:
        own = written.own
        host = own.get("virtualhost", around.virtualhost)
        found = [_url(block, path, host, written) for block in own.get("urls", ())]
        urls = tuple(url for url in found if url is not None)
        if not urls:
            written.dropped(
                "no url to get: the check is not made", "add url { path / }"
            )
            return None
        protocol = own.get("protocol", "1.0")
        return HttpOptions(
            urls,
            protocol[:3],
            protocol != "1.0",
            own.get("max_body", MAX_BODY),
            tuple(_tls(url, own, around.tls) for url in urls) if secure else (),
        )

    return options


def _url(
    block: Block, path: tuple[str, ...], host: str, written: Written
) -> Url | None:
    found = blocks.settings(
        blocks.body(block, written.findings), path, written.findings, _TABLE
    )
    if not found.get("path"):
        written.findings.warning(block, "url without path - ignoring", "add path /")
        return None
    digests = found.get("digest", [""])
    if len(digests) > 1:
        written.findings.warning(
            block.last("digest"),
            "digest is already specified - ignoring this one",
            "one url has one digest",
        )
    return Url(
        found["path"],
        found.get("virtualhost", host),
        tuple(found.get("status", GOOD)) or GOOD,
        digests[0],
        _regex(found, block, written),
        found.get("compliant", written.own.get("compliant", False)),
    )


def _regex(found: Mapping[str, Any], block: Block, written: Written) -> Regex | None:
    text = found.get("regex")
    if text is None:
        for word in ("absent", "options", "first", "last"):
            if word in found:
                written.findings.warning(
                    block,
                    "regex options without a regex - ignoring",
                    'add regex "..." to the url',
                )
                break
        return None
    options = 0
    for word in found.get("options", ()):
        options |= pcre.OPTIONS[word]
    try:
        pcre.compiled(text, options)
    except pcre.PatternError as error:
        written.findings.warning(
            block.last("regex"),
            f"Invalid regex at offset {error.offset}: {error.message} - ignoring",
            "pcre2pattern(3) describes what can be written",
        )
        return None
    except OSError:
        written.findings.warning(
            block.last("regex"),
            f"regex needs {pcre.LIBRARY}, which is not here - ignoring",
            "install PCRE2; the package is libpcre2-8-0 or pcre2",
        )
        return None
    first, last = found.get("first", 0), found.get("last")
    if last is not None and last < first:
        written.findings.warning(
            block.last("regex_max_offset"),
            f"regex_max_offset {last} is below regex_min_offset {first} - ignoring it",
        )
        last = None
    return Regex(text, options, found.get("absent", False), first, last)


def _tls(url: Url, own: Mapping[str, Any], given: Mapping[str, str]) -> Tls:
    verify = own.get("verify", False)
    name = own.get("sni_name") or host_name(url.host)
    # With verify the server has to know whom to be, or it could not show the right
    # certificate.
    asked = own.get("enable_sni", False) or "sni_name" in own or verify
    return Tls(
        name if asked else "",
        name if verify else "",
        given.get("certificate", ""),
        given.get("key", ""),
        Secret(given.get("password", "")),
        own.get("ca", given.get("ca", "")),
        verify,
    )


def host_name(host: str) -> str:
    """C{host} without the port that may stand behind it."""
    name, colon, port = host.rpartition(":")
    if not colon or not port.isdecimal() or (":" in name and name[-1:] != "]"):
        name = host
    return name.removeprefix("[").removesuffix("]")
