"""The files of the live page."""

from __future__ import annotations

import re

from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase

from hanode.console.client import UnixConnection
from hanode.console.pages import POLICY, pages
from tests.console.case import ConsoleCase


class PageTests(SynchronousTestCase):
    """Claims about the files."""

    def test_types(self) -> None:
        """Each has the type of its ending, and the page itself is there twice."""
        found = {name: page.type.partition(";")[0] for name, page in pages().items()}
        self.assertEqual(
            found,
            {
                "": "text/html",
                "index.html": "text/html",
                "page.css": "text/css",
                "page.js": "text/javascript",
                "views.js": "text/javascript",
                "events.js": "text/javascript",
                "shapes.js": "text/javascript",
                "icon.svg": "image/svg+xml",
            },
        )

    def test_nothingFromOutside(self) -> None:
        """No address but the name of SVG, no script and no style inside the markup."""
        for name, page in pages().items():
            text = page.data.decode()
            addresses = set(re.findall(r"https?://[^\s\"']+", text))
            self.assertEqual(addresses - {"http://www.w3.org/2000/svg"}, set(), name)
            for inline in ("innerHTML", "eval(", "onclick", "<style", " style="):
                self.assertNotIn(inline, text, name)

    def test_links(self) -> None:
        """Every file that another one names is there."""
        there = pages()
        for name, page in there.items():
            text = page.data.decode()
            named = re.findall(r'(?:src|href|from) ?=? ?"(?:\./)?([\w./]+)"', text)
            for each in named:
                self.assertIn(each, {*there, "metrics", "api/v1/openapi.json"}, name)


class ServedTests(ConsoleCase):
    """How they are served."""

    async def test_page(self):
        """With its type, and word that nothing is to be fetched from elsewhere."""
        await self.serve()

        def get(method, target):
            connection = UnixConnection(self.path)
            try:
                connection.request(method, target)
                response = connection.getresponse()
                return response.status, dict(response.getheaders()), response.read()
            finally:
                connection.close()

        status, headers, data = await deferToThread(get, "GET", "/")
        self.assertEqual((status, data), (200, pages()[""].data))
        self.assertEqual(headers["Content-Security-Policy"], POLICY)
        self.assertEqual(headers["Content-Type"], "text/html; charset=utf-8")
        status, headers, data = await deferToThread(get, "HEAD", "/page.js")
        self.assertEqual((status, data), (200, b""))
        status, _, _ = await deferToThread(get, "POST", "/page.js")
        self.assertEqual(status, 404)
