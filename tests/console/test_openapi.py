"""The description of the service for machines."""

import json
import re

from jsonschema_rs import Draft202012Validator
from twisted.trial.unittest import SynchronousTestCase

from hanode.console import openapi
from hanode.console.admission import Admission
from hanode.console.answers import ANY, Answers
from hanode.console.openapi import document
from hanode.console.token import TokenFile
from tests.console.case import ConsoleCase


def closed(schema):
    """The same schema, where nothing is allowed that is not in it."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {key: closed(each) for key, each in schema.items()}
    if "properties" in found:
        found["additionalProperties"] = False
    return found


class DocumentTests(SynchronousTestCase):
    """Claims about the document itself."""

    def test_routes(self):
        """Every route with every method is in it, and nothing else."""
        answers = Answers(None, None, None, Admission(TokenFile(), lambda: 0.0))

        class View:
            def __getattr__(self, name):
                return lambda: None

        answers._view = View()
        routes = {
            "/" + "/".join(path).replace(ANY, "{name}"): {m.lower() for m in methods}
            for path, methods in answers.routes().items()
        }
        described = {path: set(each) for path, each in document()["paths"].items()}
        self.assertEqual(described, routes)

    def test_references(self):
        """Every schema that is named is there, and every one that is there is named."""
        text = json.dumps(document())
        named = set(re.findall(r'"#/components/schemas/(\w+)"', text))
        self.assertEqual(named, set(document()["components"]["schemas"]))

    def test_operations(self):
        """Each has a name of its own; what writes says who may."""
        operations = [
            (method, each)
            for path in document()["paths"].values()
            for method, each in path.items()
        ]
        names = [each["operationId"] for _, each in operations]
        self.assertEqual(sorted(names), sorted(set(names)))
        for method, each in operations:
            writes = method == "post"
            self.assertEqual("security" in each, writes)
            self.assertEqual({"401", "403"} <= set(each["responses"]), writes)

    def test_errors(self):
        """Every status that is named is explained."""
        for path in document()["paths"].values():
            for operation in path.values():
                for status in set(operation["responses"]) - {"200"}:
                    self.assertIn(int(status), openapi._ERRORS)


class ServedTests(ConsoleCase):
    """What the service gives."""

    async def test_served(self):
        """The document."""
        await self.serve()
        status, _, answer = await self.ask("GET", "/api/v1/openapi.json")
        self.assertEqual((status, answer), (200, json.loads(json.dumps(document()))))

    async def test_small(self):
        """Answers that need no real node are as the document says, no member more."""
        await self.serve()
        for path in ("/healthz", "/readyz", "/api/v1/facts", "/api/v1/events"):
            if path == "/readyz":
                self.node.facts.set("vrrp:VI_1", "BACKUP", "")
            status, _, answer = await self.ask("GET", path)
            self.assertEqual(status, 200, path)
            operation = document()["paths"][path]["get"]["responses"]["200"]
            schema = operation["content"]["application/json"]["schema"]
            whole = {**schema, "components": document()["components"]}
            Draft202012Validator(closed(whole)).validate(answer)
