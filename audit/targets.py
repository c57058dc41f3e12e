"""Where the things that events name can be looked at. Apps register their routes by name; nothing is known here of what they show."""

from dataclasses import dataclass

from django.urls import NoReverseMatch, reverse


@dataclass(frozen=True, slots=True)
class Link:
    word: str
    href: str


_ROUTES: dict[str, list[tuple[str, str]]] = {}


def register_page(target_type: str, *, word: str, route: str) -> None:
    """Say that the route shows targets of this type, its one argument being the target's id; the first one is the main page."""
    pages = _ROUTES.setdefault(target_type, [])
    assert all(known != route for _, known in pages), f"{route} is registered twice for {target_type}"
    pages.append((word, route))


def pages_of(target_type: str, target_id: object) -> list[Link]:
    """Return the pages that show one target, the main one first; what was refused may name an id that no route takes."""
    links = []
    for word, route in _ROUTES.get(target_type, []):
        try:
            links.append(Link(word, reverse(route, args=[target_id])))
        except NoReverseMatch:
            continue
    return links
