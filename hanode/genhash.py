"""C{hanode genhash}: the MD5 of a page, for C{digest} in HTTP_GET and SSL_GET.

genhash(1): the same options, the same line of output. The page is got as the checkers
get it, so that the digest is the one they see.
"""

from __future__ import annotations

import socket
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import suppress
from ipaddress import ip_address
from typing import Any, TextIO

from twisted.internet.defer import Deferred
from twisted.internet.task import react

from hanode.checkers.fetch import Fetch
from hanode.checkers.http_words import HttpOptions, Tls, Url, host_name
from hanode.checkers.reply import Reply
from hanode.checkers.ssl import client_for
from hanode.config.balance_model import Target
from hanode.config.scalars import IpAddress

ANY_STATUS = ((100, 599),)
TIMEOUT = 5.0  # seconds
SHOWN = 65536  # bytes of the body in the verbose dump
COLUMNS = 16  # bytes in a line of it


def main(argv: Sequence[str]) -> int:
    """Print the digest of what the command line names; 0, or 1 when there is none."""
    options = parser().parse_args(list(argv))
    try:
        target = Target(
            address_of(options.server),
            options.port,
            mark=options.fwmark,
            timeout=options.timeout,
        )
        tls = client_for(_tls(options), options.server) if options.use_ssl else None
    except (OSError, ValueError) as error:
        sys.stderr.write(f"hanode genhash: {options.server}: {error}\n")
        return 1
    page = _Page(options, target, tls, sys.stdout)
    with suppress(SystemExit):  # which is how react always ends
        react(page.get)
    if page.problem:
        sys.stderr.write(f"hanode genhash: {page.problem}\n")
        return 1
    return 0


def parser() -> ArgumentParser:
    """The options."""
    found = ArgumentParser(
        prog="hanode genhash",
        description="Print the MD5 of a page, as HTTP_GET and SSL_GET compare it.",
    )
    option = found.add_argument
    option("-s", "--server", required=True, metavar="IP", help="address or host name")
    option("-p", "--port", required=True, type=_port, metavar="N", help="TCP port")
    option("-u", "--url", required=True, metavar="PATH", help="path of the page")
    option("-S", "--use-ssl", action="store_true", help="use TLS")
    option("-I", "--use-sni", action="store_true", help="send the name in TLS")
    option(
        "-V", "--use-virtualhost", default="", metavar="HOST", help="the Host header"
    )
    option("-P", "--protocol", default="1.0", type=_protocol, metavar="1.0|1.0c|1.1")
    option("-m", "--fwmark", default=0, type=_mark, metavar="N", help="firewall mark")
    option("-t", "--timeout", default=TIMEOUT, type=_seconds, metavar="S")
    option("-v", "--verbose", action="store_true", help="show header and body")
    return found


def address_of(server: str) -> IpAddress:
    """The address, or the first one of a host name. Raises L{OSError}."""
    try:
        return ip_address(server)
    except ValueError:
        found = socket.getaddrinfo(server, None, type=socket.SOCK_STREAM)
        return ip_address(found[0][4][0])


class _Page:
    """One page being got; C{problem} is "" unless there is none."""

    def __init__(
        self, options: Namespace, target: Target, tls: Any, output: TextIO
    ) -> None:
        self._options, self._target, self._tls = options, target, tls
        self._output = output
        self.problem = ""

    def get(self, reactor: Any) -> Deferred[None]:
        """Get it and print; the Deferred fires when that is done."""
        options = self._options
        verbose = options.verbose
        url = Url(options.url, options.use_virtualhost, ANY_STATUS)
        wanted = HttpOptions(
            (url,),
            options.protocol[:3],
            options.protocol != "1.0",
            SHOWN if verbose else 0,
        )
        done: Deferred[None] = Deferred()
        began = reactor.seconds()

        def ended(reason: str, detail: str) -> None:
            if reason:
                self.problem = f"{reason}: {detail}"
            else:
                self._print(fetch, reactor.seconds() - began)
            done.callback(None)

        fetch = _Fetch(reactor, self._target, wanted, url, ended, self._tls)
        fetch.start()
        return done

    def _print(self, fetch: _Fetch, seconds: float) -> None:
        reply, options = fetch.reply, self._options
        if options.verbose:
            for name, data in (("HTTP header", reply.head), ("HTML", reply.body)):
                self._output.write(f"-----------------------[ {name} Buffer ]---\n")
                self._output.writelines(dump(bytes(data)))
            micro = round(seconds * 1e6)
            self._output.write(
                f"Global response time for [{options.url}] = {micro} usecs\n"
            )
        self._output.write(f"MD5SUM = {reply.digest}\n")


class _Fetch(Fetch):
    """Takes every page as it is, and keeps as much of it as is shown."""

    __slots__ = ()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._reply = Reply(digested=True, kept=self._options.max_body)

    def judge(self) -> None:
        """It has come."""
        self.finish()

    @property
    def reply(self) -> Any:
        """What has come."""
        return self._reply


def dump(data: bytes) -> Iterator[str]:
    """Lines of hexadecimal digits with the characters beside them."""
    for at in range(0, len(data), COLUMNS):
        row = data[at : at + COLUMNS]
        digits = " ".join(f"{each:02x}" for each in row)
        text = "".join(chr(each) if 32 <= each < 127 else "." for each in row)
        yield f"{at:04x}  {digits:<{3 * COLUMNS - 1}}  {text}\n"


def _tls(options: Namespace) -> Tls:
    name = host_name(options.use_virtualhost) or options.server
    return Tls(sni=name if options.use_sni else "")


def _port(text: str) -> int:
    return _number(text, 1, 65535)


def _mark(text: str) -> int:
    return _number(text, 0, 4294967295)


def _number(text: str, low: int, high: int) -> int:
    if not (text.isascii() and text.isdecimal() and low <= int(text) <= high):
        raise ArgumentTypeError(f"{text}: not a number from {low} to {high}")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 < seconds < 86400:
        raise ArgumentTypeError(f"{text}: not a number of seconds")
    return seconds


def _protocol(text: str) -> str:
    if text.lower() not in ("1.0", "1.0c", "1.1", "1.1c"):
        raise ArgumentTypeError(f"{text}: write 1.0, 1.0c or 1.1")
    return text.lower()
