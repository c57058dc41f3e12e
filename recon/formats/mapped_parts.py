"""Parts of a JSON definition, read key by key: what is missing, unknown or wrong is refused by its path."""

from __future__ import annotations

from collections.abc import Mapping as Json
from typing import Any, Final

TEXT_MAX = 200
LIST_MAX = 100


class MappingRefused(Exception):
    """The definition cannot be used; `field` is the path of the key, such as "amount.column"."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


class _Missing:
    """Tells a default that was not given from every text."""


_MISSING: Final = _Missing()


class Part:
    """An object of the definition. Each key is asked for once; `done` refuses those that nobody asked for."""

    def __init__(self, value: object, path: str) -> None:
        if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
            raise MappingRefused(path or "definition", "this must be an object")
        self.path = path
        self._value: Json[str, Any] = value
        self._asked: set[str] = set()

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def has(self, name: str) -> bool:
        """Return whether a key is given; null counts as left out, so that a form may always send all of them."""
        self._asked.add(name)
        return self._value.get(name) is not None

    def names(self) -> tuple[str, ...]:
        return tuple(self._value)

    def _get(self, name: str) -> Any:
        if not self.has(name):
            raise MappingRefused(self.at(name), "this is missing")
        return self._value[name]

    def sign(self, name: str) -> str:
        """Return one character, which may be a space or a tab."""
        value = self._get(name)
        if not isinstance(value, str) or len(value) != 1:
            raise MappingRefused(self.at(name), "this must be a single character")
        return value

    def text(self, name: str, *, strip: bool = True) -> str:
        return self._text(self._get(name), self.at(name), strip=strip)

    @staticmethod
    def _text(value: object, path: str, *, strip: bool = True) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > TEXT_MAX or "\0" in value:
            raise MappingRefused(path, f"this must be a text of at most {TEXT_MAX} characters")
        return value.strip() if strip else value

    def texts(self, name: str) -> tuple[str, ...]:
        value = self._get(name)
        if not isinstance(value, list) or not value or len(value) > LIST_MAX:
            raise MappingRefused(self.at(name), f"this must be a list of 1 to {LIST_MAX} texts")
        found = tuple(self._text(one, f"{self.at(name)}[{index}]") for index, one in enumerate(value))
        if len(set(found)) != len(found):
            raise MappingRefused(self.at(name), "a text stands here twice")
        return found

    def choice(self, name: str, choices: tuple[str, ...], *, default: str | _Missing = _MISSING, strip: bool = True) -> str:
        """Return one of the choices; an empty `default` means that there is none."""
        if isinstance(default, str) and default and not self.has(name):
            return default
        value = self._get(name)
        if isinstance(value, str) and strip:
            value = value.strip()
        if value not in choices:
            raise MappingRefused(self.at(name), f"this must be one of {', '.join(map(repr, choices))}")
        return str(value)

    def number(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        if default is not None and not self.has(name):
            return default
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise MappingRefused(self.at(name), f"this must be a whole number from {low} to {high}")
        return value

    def flag(self, name: str) -> bool:
        value = self._get(name)
        if not isinstance(value, bool):
            raise MappingRefused(self.at(name), "this must be true or false")
        return value

    def part(self, name: str) -> Part:
        return Part(self._get(name), self.at(name))

    def parts(self, name: str) -> list[Part]:
        value = self._get(name)
        if not isinstance(value, list) or len(value) > LIST_MAX:
            raise MappingRefused(self.at(name), f"this must be a list of at most {LIST_MAX} objects")
        return [Part(one, f"{self.at(name)}[{index}]") for index, one in enumerate(value)]

    def done(self) -> None:
        for name in self._value:
            if name not in self._asked:
                raise MappingRefused(self.at(name), "this key is not known here")
