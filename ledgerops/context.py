"""What every page's frame shows: navigation filtered by permission, counts, theme, keys."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

from ledgerops import fonts
from ledgerops.lib.paging import bounded_counts

PRODUCT = "LedgerOps"
COMPANY = "Demo company"

THEMES = ("auto", "light", "dark")
DENSITIES = ("compact", "standard", "comfortable")
KEYS = ("on", "off")
# The preferences page writes these cookies; the frame reads them and nothing else does.
COOKIE_CHOICES = {"theme": THEMES, "density": DENSITIES, "keys": KEYS}
COOKIE_DEFAULTS = {"theme": "auto", "density": "standard", "keys": "on"}
assert set(COOKIE_CHOICES) == set(COOKIE_DEFAULTS)

# Apps register what waits behind a navigation item, by its URL name; it is counted for all of them at once.
NAV_COUNTS: dict[str, Callable[[Any], QuerySet[Any]]] = {}
# Whoever reads what a person may see registers how their roles are read: they come with the same question.
ROLE_READERS: list[Callable[[Any], Sequence[str]]] = []
COUNT_SHOWN_UP_TO = 999


@dataclass(frozen=True, slots=True)
class Place:
    """One item of the navigation: shown if its URL exists and the user's roles hold its permission."""

    name: str
    label: str
    icon: str
    go: str
    permission: str | None = None


GROUPS: tuple[tuple[str, tuple[Place, ...]], ...] = (
    ("", (Place("overview", "Overview", "layout-dashboard", "o"),)),
    (
        "Reconcile",
        (
            Place("recon:breaks", "Breaks", "unplug", "b", "recon.view_break"),
            Place("recon:handover", "Handover", "clipboard-list", "6", "recon.view_break"),
            Place("recon:mentions", "Mentions", "at-sign", "4", "recon.view_break"),
            Place("recon:runs", "Runs", "circle-play", "r", "recon.view_run"),
            Place("recon:reconciliations", "Reconciliations", "git-compare-arrows", "1", "recon.view_run"),
            Place("recon:rules", "Rules", "list-checks", "2", "recon.view_run"),
            Place("recon:statements", "Statements", "file-text", "s", "recon.view_statement"),
            Place("recon:sources", "Sources", "plug", "k", "recon.view_statement"),
            Place("recon:certifications", "Certificates", "badge-check", "7", "recon.view_certificate"),
            Place("recon:chains", "Chains", "link", "g", "recon.view_statement"),
            Place("recon:proofs", "Proofs", "file-check", "5", "recon.view_proofresult"),
            Place("recon:report", "Report", "chart-column", "3", "recon.view_run"),
        ),
    ),
    (
        "Control",
        (
            Place("approvals:queue", "Approvals", "stamp", "a", "approvals.view_proposal"),
            Place("approvals:adjustments", "Adjustments", "pencil-line", "j", "approvals.view_proposal"),
        ),
    ),
    (
        "Books",
        (
            Place("ledger:accounts", "Accounts", "landmark", "c", "ledger.view_account"),
            Place("ledger:transactions", "Transactions", "arrow-left-right", "x", "ledger.view_transaction"),
            Place("ledger:holds", "Holds", "lock", "h", "ledger.view_hold"),
            Place("ledger:entries", "Ledger", "book-open", "l", "ledger.view_journalentry"),
            Place("ledger:journals", "Journals", "notebook-pen", "n", "ledger.propose_entry"),
            Place("ledger:trial_balance", "Trial balance", "scale", "t", "ledger.view_trial_balance"),
            Place("ledger:balance_sheet", "Balance sheet", "columns-2", "i", "ledger.view_trial_balance"),
            Place("ledger:periods", "Close", "calendar-check", "e", "ledger.view_accountingperiod"),
        ),
    ),
    (
        "Reference",
        (
            Place("ledger:parties", "Parties", "users", "y", "ledger.view_party"),
            Place("ledger:rates", "Rates", "percent", "f", "ledger.view_rate"),
            Place("ledger:positions", "FX positions", "arrow-right-left", "m", "ledger.view_trial_balance"),
            Place("ledger:types", "Transaction types", "shapes", "q", "ledger.view_transactiontype"),
        ),
    ),
    (
        "Assurance",
        (
            Place("ledger:integrity", "Integrity", "heart-pulse", "v", "ledger.view_integrityrun"),
            Place("ledger:alerts", "Alerts", "bell", "w", "ledger.view_alert"),
            Place("switches", "Switches", "power", "z", "approvals.view_proposal"),
            Place("audit:events", "Audit log", "shield-check", "u", "audit.search_trail"),
            Place("admin:index", "Records", "database", "d", "approvals.read_records"),
            Place("preferences", "Settings", "settings", "p"),
        ),
    ),
)


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give every template the frame; htmx fragments use little of it, so the navigation is worked out only when read."""
    chosen = {name: _choice(request, name) for name in COOKIE_CHOICES}
    return {
        "product": PRODUCT,
        "company": COMPANY,
        "theme": chosen["theme"],
        "density": chosen["density"],
        "keys": chosen["keys"],
        "has_fonts": fonts.available(),
        "navigation": lambda: navigation(request),
        "role": lambda: role(getattr(request, "user", AnonymousUser())),
        "reference": reference(request),
        "server_now": timezone.now(),
    }


def reference(request: HttpRequest) -> str:
    """Return the id under which the logs know this request; pages of errors print it."""
    bound = structlog.contextvars.get_contextvars().get("request_id")
    return str(bound or request.headers.get("X-Request-ID", ""))[:64]


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    user = getattr(request, "user", AnonymousUser())
    groups: list[dict[str, Any]] = []
    for label, places in GROUPS:
        items = [item for place in places if (item := _item(place, user=user, path=request.path)) is not None]
        if items:
            groups.append({"label": label, "items": items})
    _count([item for group in groups for item in group["items"]], user=user)
    around = [item for group in groups for item in group["items"] if item["href"] != "/" and request.path.startswith(item["href"])]
    # A page may lie under two places (/ledger/ and /ledger/trial-balance/): it is within the nearer one.
    if around:
        nearest = max(around, key=lambda item: len(item["href"]))
        nearest["within"] = not nearest["current"]
    return groups


def role(user: AbstractBaseUser | AnonymousUser) -> str:
    """Return the roles of a user as one line."""
    return ", ".join(name for read in ROLE_READERS for name in read(user)) if user.is_authenticated else ""


def _item(place: Place, *, user: AbstractBaseUser | AnonymousUser, path: str) -> dict[str, Any] | None:
    try:
        href = reverse(place.name)
    except NoReverseMatch:
        return None
    if place.permission is not None and not (hasattr(user, "has_perm") and user.has_perm(place.permission)):
        return None
    return {
        "name": place.name,
        "label": place.label,
        "href": href,
        "icon": place.icon,
        "go": place.go,
        "count": 0,
        "shown_count": "",
        "current": path == href,
        "within": False,
    }


def _count(items: Sequence[dict[str, Any]], *, user: AbstractBaseUser | AnonymousUser) -> None:
    """Say of each item how many wait behind it."""
    waiting = [(item, NAV_COUNTS[item["name"]](user)) for item in items if item["name"] in NAV_COUNTS]
    for (item, _), count in zip(waiting, bounded_counts([rows for _, rows in waiting]), strict=True):
        item["count"] = count
        item["shown_count"] = f"{COUNT_SHOWN_UP_TO}+" if count > COUNT_SHOWN_UP_TO else str(count)


def _choice(request: HttpRequest, name: str) -> str:
    value = request.COOKIES.get(name, "")
    return value if value in COOKIE_CHOICES[name] else COOKIE_DEFAULTS[name]
