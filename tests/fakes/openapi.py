"""Whether requests and answers are as a service's published OpenAPI document has them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"


class OpenApi:
    """An OpenAPI 3.0 document, read from tests/fixtures.

    `nullable` names schemas whose string values the real service also leaves null, whatever the document says.
    """

    def __init__(self, file: str, nullable: tuple[tuple[str, ...], ...] = ()) -> None:
        self._document: dict[str, Any] = json.loads((FIXTURES / file).read_text())
        for path in nullable:
            schema = self._document["components"]["schemas"]
            for step in path:
                schema = schema[step]
            schema["type"] = [schema["type"], "null"]
        self._validator = cache(self._validator_of)

    def _validator_of(self, text: str) -> Draft4Validator:
        return Draft4Validator(json.loads(text) | {"components": self._document["components"]})

    def _against(self, schema: Mapping[str, Any], value: Any, where: str) -> list[str]:
        errors = self._validator(json.dumps(schema)).iter_errors(value)
        return [f"{where}{''.join(f'/{step}' for step in e.path)}: {e.message}" for e in errors]

    def operation(self, method: str, path: str) -> Mapping[str, Any] | None:
        """The operation of a path without templates, None where the document has none."""
        found: Mapping[str, Any] | None = self._document["paths"].get(path, {}).get(method.lower())
        return found

    def request(self, method: str, path: str, query: Mapping[str, str], body: Any) -> list[str]:
        """What is wrong with a request: unknown parameters, or a body that the schema refuses."""
        operation = self.operation(method, path)
        if operation is None:
            return [f"{method} {path} is not in the document"]
        known = {p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] == "query"}
        found = [f"{path}: unknown parameter {name}" for name in query if name not in known]
        for name in query.keys() & known.keys():
            found += self._against(known[name], _typed(query[name], known[name]["type"]), f"{path}?{name}")
        if "requestBody" in operation:
            found += self._against(operation["requestBody"]["content"]["application/json"]["schema"], body, path)
            found += _unknown(body, self._schema(operation), path)
        return found

    def _schema(self, operation: Mapping[str, Any]) -> Mapping[str, Any]:
        schema: Mapping[str, Any] = operation["requestBody"]["content"]["application/json"]["schema"]
        if "$ref" in schema:
            schema = self._document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        return schema

    def answer(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer of the fake."""
        operation = self.operation(method, path) or {}
        answers = operation.get("responses", {})
        response = answers.get(str(status)) or answers.get("default", {})
        if "$ref" in response:
            response = self._document["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
        content: Mapping[str, Any] = next(iter(response.get("content", {}).values()), {"schema": {}})
        return self._against(content["schema"], body, f"{status} {path}")


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


def _unknown(body: Any, schema: Mapping[str, Any], path: str) -> list[str]:
    """Keys of a body that the document does not name: a typing error there would go unseen."""
    known = schema.get("properties", {})
    return [f"{path}: unknown key {key}" for key in body if key not in known] if isinstance(body, dict) else []
