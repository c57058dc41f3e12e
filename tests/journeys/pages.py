"""What a browser without JavaScript does: read a page's forms and links, fill in, submit, follow."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from django.test import Client


@dataclass
class Form:
    action: str
    method: str = "get"
    fields: dict[str, str] = field(default_factory=dict)


class Reader(HTMLParser):
    """Collects the forms with what they would send, and every link."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: list[str] = []
        self._area = ""
        self._select = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "form":
            self.forms.append(Form(action=given.get("action", ""), method=given.get("method", "get").lower()))
        if not self.forms:
            return
        fields = self.forms[-1].fields
        if tag == "input" and "name" in given and (given.get("type") not in ("radio", "checkbox") or "checked" in given):
            fields[given["name"]] = given.get("value", "")
        if tag == "textarea":
            self._area = given.get("name", "")
            fields[self._area] = ""
        if tag == "select":
            self._select = given.get("name", "")
        if tag == "option" and self._select and "selected" in given:
            fields[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._area = ""
        if tag == "select":
            self._select = ""


class Browser:
    """A person's browser. It goes only where a page leads, and sends what its forms hold."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.html = self.address = ""

    def open(self, address: str, *, answers: int = 200) -> str:
        return self._shown(self.client.get(address, follow=True), answers=answers)

    def follow(self, pattern: str) -> str:
        """Follow the first link of the page whose address matches."""
        return self.open(self.link(pattern))

    def link(self, pattern: str) -> str:
        found = [link for link in Reader(self.html).links if re.search(pattern, link)]
        assert found, f"no link {pattern} on {self.address}: {Reader(self.html).links}"
        return self._beside(found[0])

    def submit(self, pattern: str, *, answers: int = 200, **filled: Any) -> str:
        """Submit the first form that changes something and whose action matches, with what is filled in besides what it holds."""
        found = [form for form in Reader(self.html).forms if form.method == "post" and re.search(pattern, form.action)]
        assert found, f"no form {pattern} on {self.address}: {[form.action for form in Reader(self.html).forms]}"
        form = found[0]
        assert "csrfmiddlewaretoken" in form.fields, f"{form.action} is not protected"
        return self._shown(self.client.post(self._beside(form.action), {**form.fields, **filled}, follow=True), answers=answers)

    def _beside(self, address: str) -> str:
        return self.address + address if address.startswith("?") else address

    def _shown(self, response: Any, *, answers: int) -> str:
        self.html = response.content.decode()
        self.address = response.request["PATH_INFO"]
        assert response.status_code == answers, f"{self.address} answers {response.status_code}, not {answers}"
        return self.html
