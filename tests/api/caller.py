"""A caller of the REST API whose every answer is held against the API's own description."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.test import Client
from django.urls import resolve
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from referencing import Registry
from referencing.jsonschema import DRAFT202012

API = "/api/v1"


@cache
def description() -> dict[str, Any]:
    schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    return dict(json.loads(json.dumps(schema)))


@cache
def registry() -> Registry[Any]:
    registered: Registry[Any] = Registry().with_resource("urn:api", DRAFT202012.create_resource(description()))
    return registered


def path_of(route: str) -> str:
    """Return a Django route as the description writes it: `entries/<uuid:entry_id>` is `/entries/{entry_id}`."""
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", route)


def hold_against_description(*, method: str, path: str, status: int, body: Any) -> None:
    """Fail unless the description of this route says that it may answer so."""
    route = path_of(resolve(path).route)
    responses = description()["paths"][route][method.lower()]["responses"]
    described = str(status) if str(status) in responses else "default"
    assert described != "default" or status >= 400, f"{method} {route} does not say that it answers {status}"
    pointer = f"{route.replace('/', '~1')}/{method.lower()}/responses/{described}/content/application~1json/schema"
    validator = Draft202012Validator({"$ref": f"urn:api#/paths/{pointer}"}, registry=registry())
    wrong = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(body)]
    assert not wrong, f"{method} {route} answers {status} with what its description does not allow: {wrong[:5]}"


@dataclass
class Caller:
    """A person at the API. Each call names the status that it expects as an answer and returns the answer's content."""

    client: Client

    def get(self, path: str, *, answers: int = 200, **query: Any) -> Any:
        return self._checked(self.client.get(f"{API}{path}", query), method="GET", path=path, answers=answers)

    def post(self, path: str, body: Mapping[str, Any] | None = None, *, answers: int = 201, key: str = "") -> Any:
        headers = {"Idempotency-Key": key} if key else {}
        response = self.client.post(f"{API}{path}", json.dumps(body or {}), content_type="application/json", headers=headers)
        return self._checked(response, method="POST", path=path, answers=answers)

    def upload(self, file: Any, *, answers: int = 201) -> Any:
        return self._checked(self.client.post(f"{API}/files", {"file": file}), method="POST", path="/files", answers=answers)

    def refused(self, path: str, body: Mapping[str, Any] | None = None, *, answers: int, key: str = "") -> Any:
        """Return the error of a POST that is refused."""
        return self.post(path, body, answers=answers, key=key)["error"]

    def _checked(self, response: Any, *, method: str, path: str, answers: int) -> Any:
        self.response = response
        body = json.loads(response.content)
        assert response.status_code == answers, f"{method} {path}: {response.status_code} {body}"
        hold_against_description(method=method, path=f"{API}{path}", status=answers, body=body)
        return body
