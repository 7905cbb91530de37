"""Whether requests to Notion and the fake's answers are as Notion's published OpenAPI document has them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

DOCUMENT = Path(__file__).resolve().parents[1] / "fixtures" / "notion" / "openapi.json"

# The document leaves out that entries are also sorted by a timestamp, as the reference and every client have it.
SORT = {"anyOf": [{"required": ["property", "direction"]}, {"required": ["timestamp", "direction"]}]}


@cache
def _document() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DOCUMENT.read_text())
    sort = document["components"]["schemas"]["sortObject"]
    del sort["required"]
    sort |= SORT
    return document


@cache
def operation(method: str, path: str) -> tuple[str, Mapping[str, Any]] | None:
    """The path template and the operation behind a request, None where the document has none."""
    for template, operations in _document()["paths"].items():
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path) and method.lower() in operations:
            return template, operations[method.lower()]
    return None


@cache
def _validator(template: str, method: str, part: str) -> Draft202012Validator:
    found = _document()["paths"][template][method.lower()]
    for step in part.split("."):
        found = found.get(step, {})
    return Draft202012Validator(found | {"components": _document()["components"]})


def _errors(validator: Draft202012Validator, value: Any, where: str) -> list[str]:
    return [f"{where}{''.join(f'/{step}' for step in e.path)}: {e.message}" for e in validator.iter_errors(value)]


def of_request(
    method: str, path: str, query: Mapping[str, list[str]], headers: Mapping[str, str], body: Any
) -> list[str]:
    """What is wrong with a request; the document knows more fields than godmode has a use for, and no others."""
    found = operation(method, path)
    if found is None:
        return [f"{method} {path} is not in the document"]
    template, described = found
    where = f"{method} {template}"
    parameters = [_resolved(p) for p in described.get("parameters", [])]
    known = {p["name"]: p["schema"] for p in parameters if p["in"] == "query"}
    wrong = [f"{where}: unknown parameter {name}" for name in query if name not in known]
    wrong += [f"{where}: {name} is a number" for name, value in query.items() if _not_a_number(known, name, value)]
    wrong += [f"{where}: no {p['name']}" for p in parameters if p["in"] == "header" and p["name"] not in headers]
    if "requestBody" in described:
        schema = "requestBody.content.application/json.schema"
        fields = described["requestBody"]["content"]["application/json"]["schema"]["properties"]
        wrong += _errors(_validator(template, method, schema), body, where)
        wrong += [f"{where}: unknown field {name}" for name in body or {} if name not in fields]
    return wrong


def _resolved(parameter: Mapping[str, Any]) -> Mapping[str, Any]:
    name = parameter.get("$ref", "").rpartition("/")[2]
    found: Mapping[str, Any] = _document()["components"]["parameters"][name] if name else parameter
    return found


def _not_a_number(known: Mapping[str, Any], name: str, values: list[str]) -> bool:
    return known.get(name, {}).get("type") == "integer" and not all(value.isdecimal() for value in values)


def of_answer(method: str, path: str, status: int, body: Any) -> list[str]:
    """What is wrong with an answer; errors that the document does not list have the shape of its 400."""
    found = operation(method, path)
    if found is None:
        return []
    template, described = found
    kind = str(status) if str(status) in described["responses"] else "400"
    return _errors(_validator(template, method, f"responses.{kind}.content.application/json.schema"), body, path)
