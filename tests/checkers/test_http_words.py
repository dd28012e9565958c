"""The words of HTTP_GET and SSL_GET."""

from __future__ import annotations

import json
import pickle

from twisted.trial.unittest import SynchronousTestCase

from hanode import pcre
from hanode.checkers.http import httpChecker
from hanode.checkers.http_words import HttpOptions, Regex, Tls, Url, host_name
from hanode.checkers.ssl import sslChecker
from tests.checkers.options import read

ALL = r"""
    nb_get_retry 4
    virtualhost www.example.org
    http_protocol 1.1
    enable_sni on
    fast_recovery
    tls_compliant
    max_body 5000
    url {
        path /a
        digest 9B3A0C85A887A256D6939DA88AABD8CD
        status_code 200 301-303
        status_code 404
    }
    url {
        path /b
        virtualhost other.example.org
        regex "^it 'works'\\s\x21"
        regex_options caseless multiline
        regex_no_match
        regex_min_offset 3
        regex_max_offset 30
        regex_stack 100 2000
        tls_compliant off
    }
"""
A = Url(
    "/a",
    "www.example.org",
    ((200, 200), (301, 303), (404, 404)),
    "9b3a0c85a887a256d6939da88aabd8cd",
    compliant=True,
)
B = Url(
    "/b",
    "other.example.org",
    regex=Regex(b"^it 'works'\\s!", 0x408, True, 3, 30),
)


class WordsTests(SynchronousTestCase):
    def test_all(self) -> None:
        """Every word that keepalived has, and max_body."""
        found = read(httpChecker, ALL)
        self.assertEqual(found.said, [])
        self.assertEqual(found.options, HttpOptions((A, B), "1.1", True, 5000))
        self.assertEqual(found.own["retry"], 4)

    def test_least(self) -> None:
        """What one path alone means; the virtualhost is that of the server."""
        found = read(httpChecker, "url {\npath /\n}", virtualhost="v.example")
        self.assertEqual(found.options, HttpOptions((Url("/", "v.example"),)))
        self.assertEqual(found.said, [])

    def test_records(self) -> None:
        """The record is hashable and goes through pickle."""
        options = read(sslChecker, ALL).options
        self.assertEqual(pickle.loads(pickle.dumps(options)), options)
        self.assertEqual(len({options, read(sslChecker, ALL).options}), 1)

    def test_protocols(self) -> None:
        """1.0 does not say Connection: close, the others do."""
        found = [
            read(httpChecker, f"http_protocol {word}\nurl {{\npath /\n}}").options
            for word in ("1.0", "1.0c", "1.0C", "1.1", "1.1c")
        ]
        self.assertEqual(
            [(each.version, each.closing) for each in found],
            [
                ("1.0", False),
                ("1.0", True),
                ("1.0", True),
                ("1.1", True),
                ("1.1", True),
            ],
        )

    def test_tls(self) -> None:
        """Which name is asked for, and which is expected."""
        url = "url {\npath /\n}"
        given = {"certificate": "c.pem", "key": "k.pem", "password": "p", "ca": "a.pem"}
        cases = {
            "": Tls(),
            "virtualhost v:444\n": Tls(),
            "virtualhost v:444\nenable_sni\n": Tls("v"),
            "virtualhost v\nsni_name\n": Tls("v"),
            "virtualhost v\nsni_name s\n": Tls("s"),
            "virtualhost v\nverify\n": Tls("v", "v", verify=True),
            "sni_name s\nverify\nca x.pem\n": Tls("s", "s", ca="x.pem", verify=True),
        }
        found = {text: read(sslChecker, text + url).options.tls[0] for text in cases}
        self.assertEqual(found, cases)
        self.assertEqual(
            read(sslChecker, url, tls=given).options.tls,
            (Tls("", "", "c.pem", "k.pem", "p", "a.pem"),),
        )
        self.assertNotIn("secret", repr(Tls(password="secret")))

    def test_only_with_tls(self) -> None:
        """HTTP_GET has nothing to verify."""
        found = read(httpChecker, "verify\nurl {\npath /\n}")
        self.assertEqual(len(found.said), 1)
        self.assertIn("Unknown keyword 'verify'", found.said[0])

    def test_no_url(self) -> None:
        """Without a url there is no check."""
        found = read(httpChecker, "url {\ndigest 9b3a0c85a887a256d6939da88aabd8cd\n}")
        self.assertIsNone(found.options)
        self.assertEqual(
            found.said,
            [
                "1 warning: url without path - ignoring (add path /)",
                "1 dropped: no url to get: the check is not made (add url { path / })",
            ],
        )

    def test_mistakes(self) -> None:
        """What cannot be is said, and the rest is used."""
        text = (
            "url {\npath /\nstatus_code 99 abc 300-200\n"
            'digest 1234\nregex "("\nregex_options greedy\n'
            "}\nurl {\npath /x\n"
            "digest 9b3a0c85a887a256d6939da88aabd8cd\n"
            "digest 00000000000000000000000000000000\n"
            "regex_no_match\n}\nurl {\npath /y\nregex x\n"
            "regex_min_offset 9\nregex_max_offset 3\n}"
        )
        found = read(httpChecker, text)
        self.assertEqual(
            found.options.urls,
            (
                Url("/"),
                Url("/x", digest="9b3a0c85a887a256d6939da88aabd8cd"),
                Url("/y", regex=Regex(b"x", first=9)),
            ),
        )
        self.assertEqual([line.split(": ")[0] for line in found.said][0], "3 warning")
        self.assertEqual(len(found.said), 9, json.dumps(found.said, indent=1))

    def test_no_library(self) -> None:
        """Without PCRE2 the regex is ignored, with a warning."""

        def missing(_text: bytes, _options: int) -> None:
            raise OSError("no such library")

        self.patch(pcre, "compiled", missing)
        found = read(httpChecker, "url {\npath /\nregex x\n}")
        self.assertEqual(found.options, HttpOptions((Url("/"),)))
        self.assertEqual(
            found.said,
            [
                "3 warning: regex needs libpcre2-8.so.0, which is not here - ignoring"
                " (install PCRE2; the package is libpcre2-8-0 or pcre2)"
            ],
        )

    def test_host_name(self) -> None:
        """A port is no part of a host's name."""
        given = ("a.b", "a.b:80", "[::1]:80", "[::1]", "::1", "")
        found = [host_name(each) for each in given]
        self.assertEqual(found, ["a.b", "a.b", "::1", "::1", "::1", ""])
