"""Whether requests and answers are as a service's published OpenAPI document has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema.protocols import Validator

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
Document = dict[str, Any]


class OpenApi:
    """An OpenAPI document, read from tests/fixtures.

    `draft` is the JSON schema that its version of OpenAPI is made of, `otherwise` the answer that describes all those
    which an operation does not list. `mend` puts right what the document has otherwise than the real service.
    """

    def __init__(
        self,
        file: str,
        draft: type[Validator],
        otherwise: str,
        mend: Callable[[Document], None] = lambda document: None,
    ) -> None:
        self._document: Document = json.loads((FIXTURES / file).read_text())
        mend(self._document)
        self._draft, self._otherwise = draft, otherwise
        self.operation = cache(self._operation)
        self._validator = cache(self._validator_of)

    def _operation(self, method: str, path: str) -> tuple[str, Mapping[str, Any]] | None:
        """The path template and the operation behind a request, None where the document has none."""
        for template, operations in self._document["paths"].items():
            if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
                return template, operations[method.lower()]
        return None

    def _resolved(self, part: Mapping[str, Any]) -> Mapping[str, Any]:
        if "$ref" not in part:
            return part
        found: Mapping[str, Any] = self._document
        for step in part["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return found

    def _below(self, template: str, method: str, *steps: str) -> Mapping[str, Any]:
        """A part of an operation; {} where it has none."""
        part: Mapping[str, Any] = self._document["paths"][template][method.lower()]
        for step in steps:
            part = self._resolved(part.get(step, {}))
        return part

    def _validator_of(self, template: str, method: str, *steps: str) -> Validator:
        return self._draft(dict(self._below(template, method, *steps)) | {"components": self._document["components"]})

    def request(
        self, method: str, path: str, query: Mapping[str, str], body: Any, headers: Mapping[str, str] | None = None
    ) -> list[str]:
        """What is wrong with a request: parameters or keys that the document does not know, values it refuses, and,
        where `headers` are given, those that are not there."""
        found = self.operation(method, path)
        if found is None:
            return [f"{method} {path} is not in the document"]
        template, operation = found
        where = f"{method} {template}"
        parameters = [self._resolved(p) for p in operation.get("parameters", [])]
        known = {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}
        wrong = [f"{where}: unknown parameter {name}" for name in query if name not in known]
        for name in query.keys() & known.keys():
            value = _typed(query[name], known[name].get("type", ""))
            wrong += [f"{where}?{name}: {e.message}" for e in self._draft(known[name]).iter_errors(value)]
        if headers is not None:
            wrong += [
                f"{where}: no {p['name']}" for p in parameters if p["in"] == "header" and p["name"] not in headers
            ]
        if "requestBody" in operation:
            schema = ("requestBody", "content", "application/json", "schema")
            wrong += _errors(self._validator(template, method, *schema), body, where)
            wrong += _unknown(body, self._below(template, method, *schema), where)
        return wrong

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of the fake."""
        found = self.operation(method, path)
        if found is None:
            return []
        template, operation = found
        kind = str(status) if str(status) in operation["responses"] else self._otherwise
        content = self._below(template, method, "responses", kind, "content")
        steps = ("responses", kind, "content", next(iter(content), "none"), "schema")
        return _errors(self._validator(template, method, *steps), body, f"{status} {path}")


def _errors(validator: Validator, value: Any, where: str) -> list[str]:
    return [f"{where}{''.join(f'/{step}' for step in e.path)}: {e.message}" for e in validator.iter_errors(value)]


def _typed(text: str, kind: str) -> Any:
    """A query parameter as the type its schema names; lists are comma separated."""
    match kind:
        case "integer":
            return int(text) if text.isdigit() else text
        case "boolean":
            return {"true": True, "false": False}.get(text, text)
        case "array":
            return text.split(",")
    return text


def _unknown(body: Any, schema: Mapping[str, Any], where: str) -> list[str]:
    """Keys of a body that the document does not name: a typing error there would go unseen."""
    known = schema.get("properties", {})
    return [f"{where}: unknown key {key}" for key in body if key not in known] if isinstance(body, dict) else []
