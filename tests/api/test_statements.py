"""Files, statements, reconciliations and runs over REST."""

import hashlib
import io
from collections.abc import Callable

import pytest
from django.core.cache import cache
from pytest_django import DjangoAssertNumQueries

from approvals.models import User
from recon import tasks
from recon.models import Run, Source, Statement, StatementFile
from tests.api.caller import Caller
from tests.concurrency.scene import IDENTIFIER, mt940
from tests.fixtures import Post
from tests.notation import writes_nothing

Api = Callable[[User], Caller]


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Keep what the broker would be told: it is another process, and these tests have none."""
    told: list[str] = []
    monkeypatch.setattr(tasks.execute_run, "delay", lambda *, run_id: told.append(run_id))
    cache.clear()
    return told


def named(content: bytes, name: str = "statement.sta") -> io.BytesIO:
    file = io.BytesIO(content)
    file.name = name
    return file


def test_a_file_is_previewed_accepted_and_handed_out_again(api: Api, maker: User, auditor: User, source: Source, rung: list[str]) -> None:
    content = mt940(("C", 1000, "INV-1"), ("D", 250, "FEE-1"))
    caller = api(maker)
    received = caller.upload(named(content))
    assert (received["status"], received["known"], received["sha256"]) == ("received", False, hashlib.sha256(content).hexdigest())
    preview = caller.get(f"/files/{received['id']}")["preview"]
    assert [(one["account"], one["source"], one["closing_minor"], one["line_count"], one["proof"]) for one in preview] == [
        (IDENTIFIER, "bank", "750", 2, "proven")
    ]
    assert not Statement.objects.exists(), "a preview accepts nothing"

    accepted = caller.post(f"/files/{received['id']}/accept", answers=200)
    assert rung == [accepted["runs"][0]["id"]], "a worker is told once"
    (statement,) = caller.get("/statements")["results"]
    assert statement == caller.get(f"/statements/{statement['id']}") == accepted["statements"][0]
    lines = caller.get(f"/statements/{statement['id']}/lines")["results"]
    assert [(line["flow"], line["amount"], line["reference"], line["open"]) for line in lines] == [
        ("in", "1000", "INV-1", True),
        ("out", "250", "FEE-1", True),
    ]
    response = api(auditor).client.get(f"/api/v1/files/{received['id']}/bytes")
    assert b"".join(response.streaming_content) == content  # type: ignore[attr-defined] # a streaming response
    assert response.headers["Content-Disposition"] == 'attachment; filename="statement.sta"'


def test_the_same_bytes_again_change_nothing_and_say_so(api: Api, maker: User, source: Source) -> None:
    caller = api(maker)
    first = caller.upload(named(mt940(("C", 1000, "INV-1"))))
    caller.post(f"/files/{first['id']}/accept", answers=200)
    with writes_nothing():
        again = caller.upload(named(mt940(("C", 1000, "INV-1")), "other.sta"), answers=200)
        accepted = caller.post(f"/files/{first['id']}/accept", answers=200)
    assert (again["id"], again["known"], again["name"]) == (first["id"], True, "statement.sta")
    assert accepted["runs"] == []


def test_what_is_no_statement_is_kept_refused_and_says_where(api: Api, maker: User, source: Source) -> None:
    caller = api(maker)
    received = caller.upload(named(b"dear bank, please", "letter.txt"))
    assert received["status"] == "refused"
    assert received["errors"][0]["where"] == "start of file"
    with writes_nothing():
        error = caller.refused(f"/files/{received['id']}/accept", answers=422)
    assert error["detail"]["errors"] == received["errors"]


def test_a_file_for_an_account_out_of_scope_is_not_accepted(api: Api, maker: User, stranger: User, source: Source) -> None:
    caller = api(stranger)
    received = caller.upload(named(mt940(("C", 1000, "INV-1"))))
    assert caller.get(f"/files/{received['id']}")["preview"][0]["source"] is None
    with writes_nothing():
        error = caller.refused(f"/files/{received['id']}/accept", answers=422)
    assert (error["code"], error["field"]) == ("file_refused", "account")
    assert api(maker).get(f"/files/{received['id']}", answers=404)["error"]["code"] == "file_not_found"


def test_an_upload_is_a_file_and_nothing_else(api: Api, maker: User, source: Source) -> None:
    client = api(maker).client
    assert client.post("/api/v1/files", {}).status_code == 422
    assert client.post("/api/v1/files", {"file": named(b"")}).status_code == 422
    assert client.post("/api/v1/files", {"file": named(b"x"), "accept": "yes"}).json()["error"]["field"] == "accept"
    assert client.post("/api/v1/files", "{}", content_type="application/json").status_code == 415
    assert not StatementFile.objects.exists()


def test_too_many_uploads_are_told_to_wait(api: Api, maker: User, source: Source) -> None:
    client = api(maker).client
    statuses = [client.post("/api/v1/files", {}).status_code for _ in range(121)]
    assert statuses == [422] * 120 + [429]
    response = client.post("/api/v1/files", {})
    assert (response.json()["error"]["code"], int(response.headers["Retry-After"]) > 0) == ("throttled", True)


def test_a_run_is_asked_for_once_while_one_waits(api: Api, maker: User, source: Source, rung: list[str]) -> None:
    caller = api(maker)
    (reconciliation,) = caller.get("/reconciliations")["results"]
    first = caller.post(f"/reconciliations/{reconciliation['id']}/runs", answers=202)
    second = caller.post(f"/reconciliations/{reconciliation['id']}/runs", answers=202)
    assert first == second
    assert (first["status"], first["requested_by"], rung) == ("queued", "maker", [first["id"], first["id"]])
    assert Run.objects.count() == 1


def test_a_run_s_end_and_where_its_reconciliation_stands_are_read(api: Api, maker: User, source: Source, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1")
    caller = api(maker)
    received = caller.upload(named(mt940(("C", 1000, "INV-1"), ("D", 250, "FEE-1"))))
    accepted = caller.post(f"/files/{received['id']}/accept", answers=200)
    tasks.execute_run(run_id=accepted["runs"][0]["id"])
    run = caller.get(f"/runs/{accepted['runs'][0]['id']}")
    assert (run["status"], run["matches_made"], run["breaks_opened"], run["failure"]) == ("completed", 1, 1, "")
    (reconciliation,) = caller.get("/reconciliations")["results"]
    assert reconciliation["standing"] == {
        "ledger_minor": "1000",
        "external_minor": "750",
        "external_date": "2026-11-02",
        "open_items_minor": "250",
        "uncompared_minor": "0",
        "unexplained_minor": "0",
    }


def test_lists_cost_few_queries(api: Api, maker: User, source: Source, django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    caller = api(maker)
    received = caller.upload(named(mt940(*[("C", 100 + n, f"INV-{n}") for n in range(30)])))
    accepted = caller.post(f"/files/{received['id']}/accept", answers=200)
    tasks.execute_run(run_id=accepted["runs"][0]["id"])
    statement = accepted["statements"][0]["id"]
    for path in ("/sources", "/statements", f"/statements/{statement}/lines", "/runs", "/reconciliations", "/breaks"):
        with django_assert_max_num_queries(14):
            assert caller.get(path)["results"]


def test_a_stranger_sees_none_of_it(api: Api, maker: User, stranger: User, source: Source) -> None:
    caller = api(maker)
    received = caller.upload(named(mt940(("C", 1000, "INV-1"))))
    accepted = caller.post(f"/files/{received['id']}/accept", answers=200)
    other = api(stranger)
    for path in ("/sources", "/statements", "/runs", "/reconciliations", "/breaks"):
        assert other.get(path)["results"] == []
    for path in (
        f"/files/{received['id']}",
        f"/files/{received['id']}/bytes",
        f"/statements/{accepted['statements'][0]['id']}",
        f"/statements/{accepted['statements'][0]['id']}/lines",
        f"/runs/{accepted['runs'][0]['id']}",
    ):
        other.get(path, answers=404)
    with writes_nothing():
        other.refused(f"/reconciliations/{accepted['runs'][0]['reconciliation_id']}/runs", answers=404)
        other.refused(f"/files/{received['id']}/accept", answers=404)
        other.upload(named(mt940(("C", 1000, "INV-1"))), answers=404)
