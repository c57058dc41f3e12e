"""The admin site: a list and a page for every kind of record, and no way to write any."""

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.contrib.admin import AdminSite, ModelAdmin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import ForeignKey, JSONField, Model, Q, TextField
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import NoReverseMatch, URLPattern, include, path, reverse
from django.views.decorators.cache import never_cache

from approvals.models import User
from audit import queries as audit
from ledgerops.lib.http import requires
from ledgerops.lib.paging import page_of
from ledgerops.records import scopes
from ledgerops.records.reads import record_read

READ_RECORDS = "approvals.read_records"
SAFE = frozenset({"GET", "HEAD"})
COLUMNS_SHOWN = 8
# Parts of a key of several columns, in an address.
SEPARATOR = "~"
TARGET_MAXIMUM = 300

if TYPE_CHECKING:  # generic to the type checker alone
    _Admin = ModelAdmin[Model]
else:
    _Admin = ModelAdmin


def read_only(view: Callable[..., HttpResponse], *, permission: str = READ_RECORDS) -> Callable[..., Any]:
    """Open a view to those who hold the permission, for looking alone: every method that could write is refused, whatever it carries."""

    @never_cache
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method not in SAFE:
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return requires(permission)(guarded)


class RecordAdmin(_Admin):
    """One kind of record."""

    actions = None

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}"
        permission = "audit.search_trail" if self.model is audit.RecordedEvent else READ_RECORDS
        return [
            path("", read_only(self.changelist_view, permission=permission), name=f"{name}_changelist"),
            path("<path:object_id>/", read_only(self.change_view, permission=permission), name=f"{name}_change"),
        ]

    def has_view_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Return whether the user's roles open the pages of such records, and this record if one is named."""
        user = _user(request)
        if not user.has_perms(scopes.permissions_of(self.model)):
            return False
        return obj is None or self.get_queryset(request).filter(pk=obj.pk).exists()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_add_permission(self, request: HttpRequest) -> bool:  # noqa: ARG002 - nobody's
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - nobody's
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:  # noqa: ARG002 - nobody's
        return False

    def get_queryset(self, request: HttpRequest) -> Any:
        return scopes.rows_for(_user(request), self.model)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:  # noqa: ARG002 - of Django's
        """Show the records in sight, newest key first; `?q=` asks for one by its key or a unique column."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        wanted = request.GET.get("q", "").strip()
        rows = self.get_queryset(request)
        if wanted:
            rows = rows.filter(_named(self.model, wanted))
        page = page_of(rows, query=request.GET, order=[f"-{key}" for key in scopes.keys_of(self.model)])
        record_read(self.model, target_id="list", query=request.GET.urlencode(), rows=len(page.rows))
        columns = [field for field in scopes.columns_of(self.model) if not _is_long(field)][:COLUMNS_SHOWN]
        context = {
            "opts": self.opts,
            "wanted": wanted,
            "page": page,
            "columns": [field.attname for field in columns],
            "rows": [{"href": _page(row), "cells": [_shown(row, field) for field in columns]} for row in page.rows],
        }
        return render(request, "records/list.html", context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",  # noqa: ARG002 - of Django's
        extra_context: dict[str, Any] | None = None,  # noqa: ARG002 - of Django's
    ) -> HttpResponse:
        """Show one record, column by column."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        key = _key(self.model, object_id)
        record = self.get_queryset(request).filter(**key).first() if key else None
        if record is None:
            raise Http404
        record_read(self.model, target_id=object_id[:TARGET_MAXIMUM])
        fields = scopes.columns_of(self.model)
        context = {
            "opts": self.opts,
            "object_id": object_id,
            "list_href": _list(self.model),
            "facts": [{"name": f.attname, "value": _shown(record, f), "href": _target(record, f)} for f in fields if not _is_long(f)],
            "texts": [{"name": field.attname, "value": _shown(record, field)} for field in fields if _is_long(field)],
        }
        return render(request, "records/record.html", context)


class Records(AdminSite):
    """Every shown model, registered by walking them all."""

    def has_permission(self, request: HttpRequest) -> bool:
        return request.user.is_active and request.user.has_perm(READ_RECORDS)

    def walk(self) -> None:
        """Register what is shown. Django's own `register` takes no composite keys; these pages do."""
        for model in apps.get_models():
            if scopes.is_shown(model):
                self._registry[model] = RecordAdmin(model, self)

    def get_urls(self) -> list[Any]:
        """Return the pages alone: signing in and out and changing passphrases are done where everybody does them."""
        pages = [
            path(f"{model._meta.app_label}/{model._meta.model_name}/", include(admin.get_urls())) for model, admin in self._registry.items()
        ]
        return [path("", read_only(self.index), name="index"), *pages]

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:  # noqa: ARG002 - of Django's
        # Our own apps are installed after the libraries, and looked at before them.
        shown = [admin for admin in reversed(self._registry.values()) if admin.has_module_permission(request)]
        groups: dict[str, list[dict[str, str]]] = {}
        for admin in shown:
            kind = {"name": str(admin.opts.verbose_name), "href": _list(admin.model)}
            groups.setdefault(str(admin.opts.app_config.verbose_name), []).append(kind)
        context = {"groups": [(name, sorted(kinds, key=lambda kind: kind["name"])) for name, kinds in groups.items()]}
        return render(request, "records/index.html", context)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _named(model: type[Model], wanted: str) -> Q:
    """Return the condition that a record's key, or a unique column of it, is exactly what was written."""
    key = _key(model, wanted)
    found = Q(**key) if key else Q(pk__in=[])
    for field in scopes.columns_of(model):
        if field.unique and not field.primary_key and (value := _read(field, wanted)) is not None:
            found |= Q(**{field.attname: value})
    return found


def _key(model: type[Model], text: str) -> dict[str, Any]:
    """Return the columns of the key that an address names; nothing if no record could have it."""
    names = scopes.keys_of(model)
    fields = [model._meta.get_field(name) for name in names]
    values = [_read(field, part) for field, part in zip(fields, text.split(SEPARATOR, len(names) - 1), strict=False)]
    return dict(zip(names, values, strict=True)) if len(values) == len(names) and None not in values else {}


def _read(field: Any, text: str) -> Any:
    try:
        return None if "\0" in text else field.to_python(text)  # PostgreSQL takes no NUL
    except ValidationError:
        return None


def _list(model: type[Model]) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")


def _page(record: Model) -> str:
    """Return the address of a record's page."""
    key = SEPARATOR.join(str(getattr(record, name)) for name in scopes.keys_of(type(record)))
    return reverse(f"admin:{record._meta.app_label}_{record._meta.model_name}_change", args=[key])


def _target(record: Model, field: Any) -> str:
    """Return the address of the record that a foreign key names, if records of its kind are shown."""
    key = getattr(record, field.attname)
    if not isinstance(field, ForeignKey) or key is None:
        return ""
    target: Any = field.related_model
    try:
        return reverse(f"admin:{target._meta.app_label}_{target._meta.model_name}_change", args=[key])
    except NoReverseMatch:
        return ""


def _is_long(field: Any) -> bool:
    return isinstance(field, TextField | JSONField)


def _shown(record: Model, field: Any) -> str:
    """Return a column as it stands in the table."""
    value = getattr(record, field.attname)
    if value is None:
        return ""
    if isinstance(field, JSONField):
        return json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True, default=str)
    return str(value)


site = Records(name="admin")
site.walk()
