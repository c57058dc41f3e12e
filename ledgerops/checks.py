"""System checks: combinations of settings, and a database, that LedgerOps does not run with."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import connections

POSTGRESQL_MINIMUM = 18
LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})

# What a role may have been given beyond its tables, and whether it owns any, itself or through a role that it may become.
RUNTIME_ROLE = """
SELECT rolsuper, rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls,
    EXISTS (
        SELECT FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
        WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_has_role(rolname, relowner, 'MEMBER')
    )
FROM pg_roles WHERE rolname = current_user
"""


@register(Tags.database)
def check_postgresql_version(*, databases: Sequence[str] | None, **_kwargs: Any) -> list[CheckMessage]:
    """Every constraint was written for, and tried on, this version."""
    errors: list[CheckMessage] = []
    for alias in databases or ():
        with connections[alias].cursor() as cursor:
            cursor.execute("SHOW server_version_num")
            version = int(cursor.fetchone()[0]) // 10_000
        if version < POSTGRESQL_MINIMUM:
            sentence = f"The database {alias!r} is PostgreSQL {version}; LedgerOps needs {POSTGRESQL_MINIMUM} or later."
            errors.append(Error(sentence, id="ledgerops.E001"))
    return errors


@register(Tags.database)
def check_runtime_role(*, databases: Sequence[str] | None, **_kwargs: Any) -> list[CheckMessage]:
    """The role that serves requests could otherwise undo the guards that bind it."""
    if "default" not in (databases or ()):
        return []
    with connections["default"].cursor() as cursor:
        cursor.execute(RUNTIME_ROLE)
        superuser, privileged, owner = cursor.fetchone()
    reasons = {
        "is a superuser": superuser,
        "may create roles or databases, replicate or bypass row security": privileged,
        "owns tables": owner,
    }
    return [
        Error(
            f"The role of DATABASE_URL {reason}.",
            hint="Serve requests as ledgerops_app and migrate as ledgerops_migrator; deploy/roles.sql creates both.",
            id="ledgerops.E002",
        )
        for reason, applies in reasons.items()
        if applies
    ]


@register(Tags.security)
def check_production(**_kwargs: Any) -> list[CheckMessage]:
    """Behind TLS, in front of strangers: no debug pages, and names that are really ours."""
    if not settings.PRODUCTION:
        return []
    errors: list[CheckMessage] = []
    if settings.DEBUG:
        errors.append(Error("LEDGEROPS_DEBUG is on in production.", id="ledgerops.E003"))
    if "*" in settings.ALLOWED_HOSTS or LOOPBACK.issuperset(settings.ALLOWED_HOSTS):
        errors.append(Error("LEDGEROPS_ALLOWED_HOSTS does not name the host that production is reached at.", id="ledgerops.E004"))
    return errors


@register(Tags.security)
def check_database_aliases(**_kwargs: Any) -> list[CheckMessage]:
    """Two logins, one database. A process that never migrates need not know the second."""
    default, owner = settings.DATABASES["default"], settings.DATABASES["owner"]
    errors: list[CheckMessage] = []
    if default["USER"] == owner["USER"]:
        errors.append(Error("DATABASE_URL and DATABASE_OWNER_URL log in as the same role.", id="ledgerops.E005"))
    if owner["PASSWORD"] and any(default[part] != owner[part] for part in ("HOST", "PORT", "NAME")):
        errors.append(Error("DATABASE_URL and DATABASE_OWNER_URL name different databases.", id="ledgerops.E006"))
    return errors
