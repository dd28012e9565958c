"""The HTTP service of a real daemon, asked everything that its description allows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from urllib.request import Request, urlopen

from jsonschema_rs import Draft202012Validator

from hanode.console.openapi import document
from tests.console.test_openapi import closed
from tests.live.case import LiveCase, until
from tests.live.configs import instance
from tests.live.daemons import CHECKOUT, Hanode
from tests.live.test_page import SERVE, SESSION

PORT = 8080
TOKEN = "a token of the tests"
ADDRESS = f"http://127.0.0.1:{PORT}"
NODE = """hanode {{
    http_token_file {folder}/token
    dataplane memory
}}
vrrp_sync_group G {{
    group {{
        VI_1
    }}
}}
"""
#: schemathesis: all of it from one seed
OPTIONS = (
    *("--max-examples", "12", "--seed", "4711", "--generation-deterministic"),
    *("--workers", "2", "--no-color"),
    *("--phases", "examples,coverage,fuzzing", "--request-timeout", "10"),
)
#: names to ask for, some of which are there
NAMES = """
[[operations]]
include-path-regex = "/api/v1/(vrrp|why)/"
parameters = { name = ["VI_1", "nobody"] }

[[operations]]
include-path-regex = "/api/v1/bfd/"
parameters = { name = ["peer", "nobody"] }

[[operations]]
include-path-regex = "/api/v1/lvs/"
parameters = { name = ["[192.0.2.100]:tcp:80", "[127.0.0.1]:tcp:81", "nobody"] }
"""


class ApiTests(LiveCase):
    """One node with an instance, a session and a virtual server."""

    hosts = ("a",)

    def setUp(self):
        super().setUp()
        token = self.folder / "token"
        token.write_text(TOKEN)
        token.chmod(0o600)
        text = instance(1, 150, version=3, interval=0.1) + SESSION.format(2)
        text += SERVE.partition("}\n")[2] + NODE.format(folder=self.folder)
        self.daemon = Hanode(self.a, self.folder, text)
        self.daemon.http = f"tcp:{PORT}:interface=127.0.0.1"
        self.daemons.append(self.daemon)
        self.daemon.start()
        self.daemon.log.wait_for("Entering MASTER STATE")
        self.daemon.log.wait_for("http starting on|Site starting on")

    def get(self, path):
        """What is answered to that, by the same address as a browser would ask."""

        def ask():
            with urlopen(Request(ADDRESS + path), timeout=5) as answer:
                return json.loads(answer.read())

        return self.a.call(ask)

    def test_members(self):
        """Every member of every answer is described in hanode/console/schemas.py."""
        until(lambda: self.get("/api/v1/lvs/[192.0.2.100]:tcp:80")["real_servers"])
        names = {"vrrp": "VI_1", "why": "VI_1", "bfd": "peer"}
        names["lvs"] = "[192.0.2.100]:tcp:80"
        for path, operations in document()["paths"].items():
            content = operations.get("get", {}).get("responses", {}).get("200", {})
            if "application/json" not in content.get("content", {}):
                continue
            kind = path.removeprefix("/api/v1/").partition("/")[0]
            answer = self.get(path.replace("{name}", names.get(kind, "")))
            schema = content["content"]["application/json"]["schema"]
            whole = {**schema, "components": document()["components"]}
            if not path.endswith("openapi.json"):
                whole = closed(whole)
            Draft202012Validator(whole).validate(answer)

    def test_schemathesis(self):
        """No status that is not described, no failure, no answer of another shape."""
        folder = os.path.dirname(sys.executable)
        (self.folder / "schemathesis.toml").write_text(NAMES)
        process = self.a.popen(
            [
                os.path.join(folder, "schemathesis"),
                *("run", f"{ADDRESS}/api/v1/openapi.json", *OPTIONS),
                *("-H", f"Authorization: Bearer {TOKEN}"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            env=dict(os.environ, PYTHONPATH=str(CHECKOUT)),
        )
        out, _ = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 0, out)
        self.assertEqual(self.daemon.log.count("Traceback|http: .* failed"), 0)
        self.assertIsNone(self.daemon.process.poll())
