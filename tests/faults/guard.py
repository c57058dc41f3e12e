"""What a guard is for the campaign that takes each away: its name, the test that must go red, and how it is taken away."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """`sql` takes the guard away as the owner; `function` or `python` names what is edited, by leaving `text` out."""

    name: str
    test: str
    sql: str = ""
    function: str = ""
    python: str = ""
    text: str = ""


def trigger(name: str, table: str, test: str) -> Guard:
    return Guard(name, test, sql=f"DROP TRIGGER {name} ON {table}")


def constraint(name: str, table: str, test: str) -> Guard:
    return Guard(name, test, sql=f"ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE")


def index(name: str, test: str) -> Guard:
    return Guard(name, test, sql=f"DROP INDEX {name}")


def raised(name: str, test: str, *, function: str, text: str) -> Guard:
    """Return a guard that a function raises: without the statement the function goes on."""
    return Guard(name, test, function=function, text=text)
