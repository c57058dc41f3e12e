"""Sources, feeds and mappings over REST."""

import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache

from approvals.models import Proposal, User
from recon import operations
from recon.models import Break, Feed, FeedWaiver, MappingVersion, Source
from tests.api.caller import Caller
from tests.notation import writes_nothing
from tests.recon.test_mappings import CSV, WHY, decided, definition

Api = Callable[[User], Caller]
FEED = {
    "frequency": "business_daily", "calendar": "TARGET", "timezone": "Europe/Berlin", "due_time": "08:00", "days_after": 1,
    "grace_minutes": 120, "starts_on": "2026-10-01", "ends_on": "2026-10-02",
}  # fmt: skip


@pytest.fixture(autouse=True)
def unthrottled() -> None:
    cache.clear()


@pytest.fixture
def controller(person: Callable[[str, str], User]) -> User:
    return person("controller", "Controller")


def sample_of(caller: Caller, source: Source) -> dict[str, Any]:
    file = io.BytesIO(CSV)
    file.name = "november.csv"
    response = caller.client.post(f"/api/v1/sources/{source.code}/samples", {"file": file})
    assert response.status_code == 201, response.content
    found: dict[str, Any] = response.json()
    return found


def test_source_is_registered_and_read(api: Api, maker: User) -> None:
    caller = api(maker)
    body = {"code": "acquirer", "name": "Acquirer", "identifier": "ACQ-1", "kind": "processor", "account": "1020", "format": "mapped"}
    made = caller.post("/sources", body, answers=201)
    assert (made["code"], made["kind"], made["format"], made["feed"], made["mapping"]) == ("acquirer", "processor", "mapped", None, None)
    assert caller.get("/sources/acquirer") == made


def test_source_on_no_account_or_two_is_refused(api: Api, maker: User) -> None:
    body = {"code": "acquirer", "name": "Acquirer", "identifier": "ACQ-1"}
    with writes_nothing(except_in=["knox_authtoken"]):
        refused = api(maker).post("/sources", body, answers=422)
    assert refused["error"]["field"] == "account"


def test_feed_is_set_and_its_missing_days_are_one_break_until_waived(api: Api, controller: User, source: Source) -> None:
    caller = api(controller)
    shown = caller.post(f"/sources/{source.code}/feed", FEED, answers=200)
    assert shown["missing_days"] == ["2026-10-01", "2026-10-02"]
    (stale,) = caller.get("/breaks", type="stale_feed")["results"]
    assert (stale["missing_days"], stale["difference_minor"], stale["ledger_item_id"]) == (["2026-10-01", "2026-10-02"], "0", None)
    assert "have not come" in caller.get(f"/breaks/{stale['id']}")["explanation"]
    days = caller.get(f"/sources/{source.code}/calendar", since="2026-10-01", until="2026-10-05")["days"]
    assert [(day["day"], day["state"], day["due_at"]) for day in days] == [
        ("2026-10-01", "missing", "2026-10-02T06:00:00Z"),
        ("2026-10-02", "missing", "2026-10-05T06:00:00Z"),
    ]
    for day in ("2026-10-01", "2026-10-02"):
        caller.post(f"/sources/{source.code}/waivers", {"day": day, "reason": "Bank in migration"}, answers=201)
    assert Break.objects.get().resolution == "1 day waived"
    assert FeedWaiver.objects.count() == 2


@pytest.mark.parametrize(
    ("change", "field"), [({"calendar": "MARS"}, "calendar"), ({"timezone": "Mars/Base"}, "timezone"), ({"weekday": 3}, "weekday")]
)
def test_feed_that_cannot_be_is_refused_at_its_field(
    api: Api, controller: User, source: Source, change: dict[str, Any], field: str
) -> None:
    refused = api(controller).post(f"/sources/{source.code}/feed", {**FEED, **change}, answers=422)
    assert refused["error"]["field"] == field
    assert not Feed.objects.exists()


def test_mapping_is_tried_drafted_and_submitted(api: Api, maker: User, checker: User, source: Source) -> None:
    caller = api(maker)
    sample = sample_of(caller, source)
    tried = caller.post(f"/sources/{source.code}/mappings/trial", {"definition": definition(), "sample_id": sample["id"]}, answers=200)
    assert (tried["line_count"], tried["error_count"], tried["proof"], tried["rows"][1]["amount"]) == (3, 0, "proven", "3.50")
    assert not MappingVersion.objects.exists()
    drafted = caller.post(f"/sources/{source.code}/mappings", {"definition": definition(), "sample_id": sample["id"]}, answers=201)
    assert (drafted["number"], drafted["status"]) == (1, "draft")
    caller.post(f"/sources/{source.code}/mappings/1/submit", {"reason_code": "MAPPING_NEW", "narrative": WHY}, answers=201)
    decided(Proposal.objects.get(), by=checker)
    assert caller.get(f"/sources/{source.code}")["mapping"]["number"] == 1
    assert caller.get(f"/sources/{source.code}/mappings/1")["status"] == "approved"


def test_definition_that_leaves_something_open_names_its_key(api: Api, maker: User, source: Source) -> None:
    caller = api(maker)
    said = definition(booking_date={"column": "Booking date"})
    refused = caller.post(f"/sources/{source.code}/mappings", {"definition": said}, answers=422)
    assert (refused["error"]["code"], refused["error"]["field"]) == ("mapping_invalid", "booking_date.format")
    assert not MappingVersion.objects.exists()


def test_stranger_finds_no_source(api: Api, stranger: User, source: Source) -> None:
    for path in ("", "/calendar", "/mappings", "/mappings/1"):
        api(stranger).get(f"/sources/{source.code}{path}", answers=404)
    assert not operations.sweep_feeds().opened
