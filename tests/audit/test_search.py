"""Searching the trail: every filter, its pages, what one event tells, and that a search of a long trail reads an index."""

from collections.abc import Callable

import psycopg
import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals.models import User
from audit import queries
from audit.models import AuditEvent
from tests.fixtures import signed_in

LONG = 20_000
# One event every nine minutes back from now; every fifth day somebody is refused.
FILL = """
INSERT INTO audit_event (
    id, at, actor_type, actor_id, actor_name, session_digest, ip, request_id, action, target_type, target_id, outcome, reason,
    transaction_id)
SELECT uuidv7(-n * interval '9 minutes'), now() - n * interval '9 minutes', 'user', 1 + mod(n, 50), 'somebody', '', '10.0.0.1', 'request',
       CASE mod(n, 20) WHEN 0 THEN 'recon.run.completed' ELSE 'recon.file.received' END, 'recon.file', mod(n, 4000)::text,
       CASE mod(n, 800) WHEN 0 THEN 'refused' ELSE 'done' END, CASE mod(n, 1000) WHEN 7 THEN 'a needle' ELSE '' END, 1
FROM generate_series(1, %s) AS n
"""


@pytest.fixture
def reader(auditor: User) -> Client:
    return signed_in(auditor)


@pytest.fixture
def long_trail(auditor: User) -> Client:
    """Write a long trail as the owner, as years of work would have."""
    owner = connections["owner"].settings_dict
    address = {"host": owner["HOST"], "port": owner["PORT"], "dbname": owner["NAME"], "user": owner["USER"], "password": owner["PASSWORD"]}
    with psycopg.connect(**address, autocommit=True) as session:
        session.execute("SET ROLE ledgerops_owner")
        session.execute(FILL.encode(), [LONG])
        session.execute("ANALYZE audit_event")
    return signed_in(auditor)


def rows(client: Client, **wish: str) -> list[AuditEvent]:
    response = client.get("/audit/", wish)
    assert response.status_code == 200
    return [row.event for row in response.context["rows"]]


def test_the_trail_is_for_those_who_may_search_it(maker: User, checker: User, reader: Client, person: Callable[[str, str], User]) -> None:
    assert signed_in(person("administrator", "Administrator")).get("/audit/").status_code == 200
    for user in (maker, checker):
        assert signed_in(user).get("/audit/").status_code == 403
        assert signed_in(user).get("/audit/objects/approvals.user/1/").status_code == 403
    with CaptureQueriesContext(connection) as asked:
        assert reader.get("/audit/").status_code == 200
    assert len(asked) <= 25


def test_every_filter_finds_what_it_names_and_nothing_else(maker: User, reader: Client) -> None:
    signed_in(maker).get("/audit/")
    (refused,) = rows(reader, outcome="refused")
    assert refused.action == "approvals.access.refused"
    today = refused.at.date().isoformat()
    for wish in (
        {"actor": "maker"},
        {"actor": "MAKER", "action": "approvals.access.refused"},
        {"target": "approvals.page /audit/"},
        {"target": "approvals.page:/audit/"},
        {"target": "/audit/"},
        {"q": "search_trail"},
        {"since": today, "until": today, "outcome": "refused"},
    ):
        assert rows(reader, **wish) == [refused], wish
    for wish in ({"actor": "nobody"}, {"q": "no such words"}, {"until": "2020-01-01"}, {"since": "2999-01-01"}, {"outcome": "failed"}):
        assert rows(reader, **wish) == [], wish
    assert all(event.actor_type == "system" for event in rows(reader, actor="system"))
    assert "No event matches this search" in reader.get("/audit/?outcome=failed").text


def test_a_search_that_cannot_be_read_is_422(reader: Client) -> None:
    for query in ("since=yesterday", "action=made.up.action", "outcome=maybe"):
        assert reader.get(f"/audit/?{query}").status_code == 422


def test_an_opened_event_tells_everything(maker: User, reader: Client) -> None:
    signed_in(maker).get("/audit/")
    (refused,) = rows(reader, outcome="refused")
    closed = reader.get("/audit/?outcome=refused").text
    assert 'aria-expanded="false"' in closed
    opened = reader.get(f"/audit/?outcome=refused&open={refused.pk}").text
    assert 'aria-expanded="true"' in opened
    for told in (refused.request_id, str(refused.transaction_id), "127.0.0.1", "audit.search_trail", str(refused.pk)):
        assert told in opened
        assert told in reader.get(f"/audit/objects/{refused.target_type}/{refused.target_id}/").text


def test_before_and_after_are_compared_field_by_field() -> None:
    event = AuditEvent(before={"status": "submitted", "n": 1}, after={"status": "rejected", "n": 1, "lines": [{"amount": "50"}]})
    changes = {change.field: change.comparison for change in queries.changes_of(event)}
    assert [field for field, comparison in changes.items() if comparison.differs] == ["status", "lines.1.amount"]
    assert queries.changes_of(AuditEvent(before=None, after={"n": 1})) == []


@pytest.mark.django_db(transaction=True)
def test_a_long_trail_is_searched_by_index_and_paged_without_gaps(long_trail: Client) -> None:
    seen: list[AuditEvent] = []
    page = long_trail.get("/audit/", {"action": "recon.run.completed", "since": "2020-01-01"})
    for _ in range(4):
        seen += [row.event for row in page.context["rows"]]
        page = long_trail.get("/audit/" + page.context["page"].older)
    expected = AuditEvent.objects.filter(action="recon.run.completed").order_by("-id").values_list("pk", flat=True)[: len(seen)]
    assert [event.pk for event in seen] == list(expected)
    assert "more than 1,000 events" in long_trail.get("/audit/").text
    month_ago = AuditEvent.objects.order_by("-id")[4000].at.date()
    for wish in (
        {},
        {"actor": "auditor"},
        {"action": "recon.run.completed"},
        {"target": "recon.file 17"},
        {"target": "17"},
        {"outcome": "refused"},
        {"since": month_ago.isoformat(), "until": month_ago.isoformat()},
    ):
        with CaptureQueriesContext(connection) as asked:
            assert long_trail.get("/audit/", wish).status_code == 200
        for query in asked:
            if '"audit_event"' in query["sql"] and query["sql"].startswith("SELECT"):
                with connection.cursor() as cursor:
                    cursor.execute("EXPLAIN " + query["sql"])
                    plan = "\n".join(line for (line,) in cursor.fetchall())
                # Without a condition the first rows of the table are as good as any; they are no more than the limit.
                assert "Seq Scan on audit_event" not in plan or "Filter" not in plan, f"{wish}\n{query['sql']}\n{plan}"


@pytest.mark.django_db(transaction=True)
def test_words_of_a_reason_are_looked_for_in_the_last_days_unless_told_otherwise(long_trail: Client) -> None:
    near = long_trail.get("/audit/?q=needle")
    assert "choose a first day to look further back" in near.text
    far = long_trail.get("/audit/?q=needle&since=2000-01-01")
    assert 0 < len(near.context["rows"]) < len(far.context["rows"]) == LONG // 1000
