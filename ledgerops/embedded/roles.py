"""The database roles of LedgerOps and their passwords, in a cluster whose superuser we are."""

import json
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from ledgerops.embedded import services

ROLES_SQL = Path(__file__).resolve().parent.parent.parent / "deploy" / "roles.sql"


@dataclass(frozen=True, kw_only=True)
class Passwords:
    """What the two roles that log in prove themselves with."""

    app: str = field(repr=False)
    migrator: str = field(repr=False)


def kept_passwords(file: Path) -> Passwords:
    """Return the passwords kept in the file, inventing them the first time."""
    if not file.is_file():
        fresh = Passwords(app=secrets.token_urlsafe(24), migrator=secrets.token_urlsafe(24))
        services.write_private(file, json.dumps(asdict(fresh)))
    return Passwords(**json.loads(file.read_text()))


def bootstrap(*, superuser_url: str, database: str, passwords: Passwords) -> None:
    """Create the database, the roles and their passwords where they are missing; running it again changes nothing."""
    with psycopg.connect(superuser_url, autocommit=True) as cluster:
        # One at a time: two would collide in the catalogue. The end of the connection lets go.
        cluster.execute("SELECT pg_advisory_lock(hashtext('ledgerops bootstrap'))")
        if not cluster.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
            cluster.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        with psycopg.connect(superuser_url, autocommit=True, dbname=database) as connection:
            connection.execute(ROLES_SQL.read_bytes())
            _set_password(connection, role="ledgerops_app", password=passwords.app)
            _set_password(connection, role="ledgerops_migrator", password=passwords.migrator)


def _set_password(connection: psycopg.Connection, *, role: str, password: str) -> None:
    """Hash it on this side, so that no log of statements can hold it."""
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode()
    connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(role), sql.Literal(verifier)))


def drop_database(*, superuser_url: str, database: str) -> None:
    """Drop the database with everything in it, ending its sessions."""
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(database)))
