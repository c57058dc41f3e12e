"""Rates: recorded once, never changed, taken from files whole or not at all, and never used when they are missing or stale."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from approvals.models import User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import Account, Rate, RateAge, RateKind
from ledger.operations.rates import (
    RateRefused,
    RateRequest,
    RateSaidOtherwise,
    record_rate,
    record_rates_file,
    set_rate_age,
)
from ledger.queries.rates import RateMissing, RateStale, averages_to, pairs, rate_at
from tests.fixtures import signed_in
from tests.notation import writes_nothing

AT = datetime(2025, 11, 3, 21, tzinfo=UTC)
HEAD = "base,quote,kind,source,at,value"


@pytest.fixture
def euro(chart: dict[str, Account]) -> None:
    ledger.define_asset(code="EUR", name="Euro", scale=2)
    set_rate_age(kind=RateKind.CLOSING, maximum_minutes=60)


def said(pair: str = "EUR/USD", value: str = "1.0842", *, at: datetime = AT, source: str = "Desk", kind: str = RateKind.CLOSING) -> Rate:
    base, quote = pair.split("/")
    request = RateRequest(base=base, quote=quote, kind=kind, source=source, at=at, value=value)
    return record_rate(request=request, recorded_by_id=None)[0]


def file(*rows: str) -> bytes:
    return "\n".join([HEAD, *rows]).encode()


def test_the_same_word_is_the_same_rate_and_another_is_refused_it(euro: None) -> None:
    first = said()
    assert said("EUR/USD", "1.08420") == first
    assert AuditEvent.objects.filter(action="ledger.rate.recorded").count() == 1
    with writes_nothing(), pytest.raises(RateSaidOtherwise) as refused:
        said("EUR/USD", "1.0843")
    assert refused.value.field == "value"
    assert said("EUR/USD", "1.0843", source="Desk, corrected") != first


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base": "XYZ"}, "base"),
        ({"quote": "EUR"}, "quote"),
        ({"kind": "median"}, "kind"),
        ({"source": " "}, "source"),
        ({"source": "=HYPERLINK()"}, "source"),
        ({"at": datetime(2025, 11, 3, 21)}, "at"),  # noqa: DTZ001 (an instant without its zone is what is refused)
        ({"at": datetime(2999, 1, 1, tzinfo=UTC)}, "at"),
        ({"value": "1,08"}, "value"),
        ({"value": "0"}, "value"),
    ],
)
def test_what_is_no_rate_is_refused_with_its_field_it(euro: None, changes: dict[str, object], field: str) -> None:
    whole = {"base": "EUR", "quote": "USD", "kind": "closing", "source": "Desk", "at": AT, "value": "1.08", **changes}
    with writes_nothing(), pytest.raises(RateRefused) as refused:
        record_rate(request=RateRequest(**whole), recorded_by_id=None)  # type: ignore[arg-type]
    assert refused.value.field == field


def test_a_file_is_taken_whole_and_again_changes_nothing_it(euro: None) -> None:
    content = file("EUR,USD,closing,Desk,2025-11-03T21:00:00Z,1.0842", "USD,JPY,closing,Desk,2025-11-03T22:00:00+01:00,156.31")
    assert record_rates_file(name="rates.csv", content=content, recorded_by_id=None).new == 2
    with writes_nothing():
        again = record_rates_file(name="rates.csv", content=content, recorded_by_id=None)
    assert (len(again.rates), again.new) == (2, 0)


def test_every_wrong_place_of_a_file_is_named_and_nothing_is_kept_it(euro: None) -> None:
    content = file(
        "EUR,USD,closing,Desk,2025-11-03T21:00:00Z,1.0842",
        "EUR,XXX,closing,Desk,2025-11-03T21:00:00Z,1.0842",
        "EUR,USD,closing,Desk,yesterday,1e3",
        "EUR,USD,closing",
        "EUR,USD,closing,Desk,2025-11-03T21:00:00Z,1.0999",
    )
    with writes_nothing(), pytest.raises(RateRefused) as refused:
        record_rates_file(name="rates.csv", content=content, recorded_by_id=None)
    assert refused.value.detail["problems"] == [{"row": 5, "column": "", "message": "this row has 3 cells instead of 6"}]
    with writes_nothing(), pytest.raises(RateRefused) as refused:
        record_rates_file(name="rates.csv", content=content.replace(b"EUR,USD,closing\n", b""), recorded_by_id=None)
    assert [(one["row"], one["column"]) for one in refused.value.detail["problems"]] == [
        (3, "quote"),
        (4, "at"),
        (4, "value"),
        (5, "value"),
    ]
    assert refused.value.field == "rows[3].quote"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"base\0", b"base,quote\n", HEAD.encode() + b",value\n", b"x" * 1_000_001])
def test_what_is_no_file_of_rates_is_refused_it(euro: None, content: bytes) -> None:
    with writes_nothing(), pytest.raises(RateRefused):
        record_rates_file(name="rates.csv", content=content, recorded_by_id=None)


def test_a_file_that_contradicts_what_was_said_is_refused_it(euro: None) -> None:
    said()
    content = file("EUR,USD,closing,Other,2025-11-03T21:00:00Z,1.09", "EUR,USD,closing,Desk,2025-11-03T21:00:00Z,1.09")
    with writes_nothing(), pytest.raises(RateSaidOtherwise) as refused:
        record_rates_file(name="rates.csv", content=content, recorded_by_id=None)
    assert refused.value.field == "rows[3].value"


def test_the_latest_word_by_the_instant_counts_and_a_correction_of_the_same_instant_it(euro: None) -> None:
    said(value="1.05", at=AT - timedelta(minutes=30))
    said(value="1.08")
    said(value="1.0811", source="Desk, corrected")
    said(value="2.00", at=AT + timedelta(minutes=1))
    used = rate_at(base="EUR", quote="USD", kind=RateKind.CLOSING, at=AT)
    assert used.value == Fraction("1.0811")
    assert [one.source for one in used.evidence] == ["Desk, corrected"]


def test_the_inverse_is_exact_and_a_cross_only_where_it_is_declared_it(euro: None) -> None:
    said("EUR/USD", "1.10")
    said("USD/JPY", "150")
    assert rate_at(base="USD", quote="EUR", kind=RateKind.CLOSING, at=AT).value == Fraction(10, 11)
    with pytest.raises(RateMissing):
        rate_at(base="EUR", quote="JPY", kind=RateKind.CLOSING, at=AT)
    crossed = rate_at(base="EUR", quote="JPY", kind=RateKind.CLOSING, at=AT, through="USD")
    assert crossed.value == 165
    assert len(crossed.evidence) == 2
    assert rate_at(base="EUR", quote="EUR", kind=RateKind.SPOT, at=AT).value == 1


def test_a_rate_serves_until_its_age_and_not_a_moment_longer_it(euro: None) -> None:
    said()
    hour = timedelta(hours=1)
    assert rate_at(base="EUR", quote="USD", kind=RateKind.CLOSING, at=AT + hour).value == Fraction("1.0842")
    with pytest.raises(RateStale) as refused:
        rate_at(base="EUR", quote="USD", kind=RateKind.CLOSING, at=AT + hour + timedelta(microseconds=1))
    assert "older than the 1 hour" in str(refused.value)
    with pytest.raises(RateMissing):
        rate_at(base="EUR", quote="USD", kind=RateKind.CLOSING, at=AT - timedelta(microseconds=1))


def test_a_kind_whose_age_nobody_said_serves_nothing_it(euro: None) -> None:
    said(kind=RateKind.SPOT)
    with pytest.raises(RateStale):
        rate_at(base="EUR", quote="USD", kind=RateKind.SPOT, at=AT)
    set_rate_age(kind=RateKind.SPOT, maximum_minutes=1)
    assert rate_at(base="EUR", quote="USD", kind=RateKind.SPOT, at=AT).value == Fraction("1.0842")


def test_a_stale_leg_refuses_a_cross_it(euro: None) -> None:
    said("EUR/USD", "1.10", at=AT - timedelta(hours=2))
    said("USD/JPY", "150")
    with pytest.raises(RateStale):
        rate_at(base="EUR", quote="JPY", kind=RateKind.CLOSING, at=AT, through="USD")


def test_an_average_is_that_of_its_month_it(euro: None) -> None:
    said(value="1.06", kind=RateKind.AVERAGE, at=datetime(2025, 10, 31, 21, tzinfo=UTC))
    said(value="1.07", kind=RateKind.AVERAGE, at=datetime(2025, 11, 14, tzinfo=UTC))
    said("USD/EUR", "0.8", kind=RateKind.AVERAGE, at=datetime(2025, 11, 30, 23, tzinfo=UTC))
    found = averages_to(quote="USD", bases=["EUR", "USD"], since=date(2025, 10, 5), until=date(2025, 12, 31))
    assert {key: used.value for key, used in found.items()} == {
        ("EUR", date(2025, 10, 1)): Fraction("1.06"),
        ("EUR", date(2025, 11, 1)): Fraction("1.25"),
    }


def test_the_list_has_every_pair_with_its_latest_it(euro: None) -> None:
    for minute in range(40):
        said(value=f"1.{minute + 10}", at=AT + timedelta(minutes=minute))
    said("USD/JPY", "150", at=AT - timedelta(days=1))
    euro_pair, yen_pair = pairs(now=AT + timedelta(hours=1))
    assert (euro_pair.shown, euro_pair.stale, len(euro_pair.recent), euro_pair.recent[-1]) == ("1.49", False, 30, 1.49)
    assert (yen_pair.base, yen_pair.stale, yen_pair.age_words) == ("USD", True, "1 day")


def test_an_age_is_set_once_and_its_change_is_on_the_trail_it(euro: None) -> None:
    with writes_nothing():
        set_rate_age(kind=RateKind.CLOSING, maximum_minutes=60)
    set_rate_age(kind=RateKind.CLOSING, maximum_minutes=90)
    event = AuditEvent.objects.filter(action="ledger.rate_age.set").latest("pk")
    assert (event.before, event.after) == ({"maximum_minutes": 60}, {"maximum_minutes": 90})
    for wrong in ({"kind": "x", "maximum_minutes": 1}, {"kind": "spot", "maximum_minutes": 0}):
        with writes_nothing(), pytest.raises(RateRefused):
            set_rate_age(**wrong)  # type: ignore[arg-type]


def test_the_page_records_by_form_and_by_file_and_shows_what_is_wrong_it(euro: None, maker: User) -> None:
    client = signed_in(maker)
    form = {"base": "USDC", "quote": "USD", "kind": "closing", "source": "Desk", "at": "2025-11-03T21:00", "value": "1,0"}
    refused = client.post("/rates/record/", form)
    assert refused.status_code == 422
    assert "a rate is a decimal" in refused.content.decode().lower()
    assert client.post("/rates/record/", {**form, "value": "0.9998"}).status_code == 302
    assert client.post("/rates/record/", {**form, "value": "0.9999"}).status_code == 409
    bad = SimpleUploadedFile("r.csv", file("EUR,USD,closing,Desk,2025-11-03T21:00:00Z,zero"))
    answer = client.post("/rates/upload/", {"file": bad})
    assert (answer.status_code, "r.csv was not taken in" in answer.content.decode()) == (422, True)
    good = SimpleUploadedFile("r.csv", file("EUR,USD,closing,Desk,2025-11-03T21:00:00Z,1.08"))
    assert client.post("/rates/upload/", {"file": good}).status_code == 302
    assert "0.9998" in client.get("/rates/USDC/USD/closing/").content.decode()
    assert client.get("/rates/USDC/JPY/closing/").status_code == 404
    assert Rate.objects.count() == 2
    assert client.post("/rates/ages/", {"kind": "closing", "maximum_minutes": "5"}).status_code == 403


def test_only_who_closes_periods_says_how_old_a_rate_may_be_it(euro: None, person: Callable[[str, str], User]) -> None:
    client = signed_in(person("controller", "Controller"))
    assert client.post("/rates/ages/", {"kind": "spot", "maximum_minutes": "5"}).status_code == 302
    assert RateAge.objects.get(kind="spot").maximum_minutes == 5


def test_the_api_records_replays_and_refuses_it(euro: None, maker: User, auditor: User) -> None:
    client = signed_in(maker)
    body = {"base": "EUR", "quote": "USD", "kind": "closing", "source": "Desk", "at": "2025-11-03T21:00:00Z", "value": "1.0842"}

    def post(**changes: object) -> int:
        return client.post("/api/v1/rates", {**body, **changes}, content_type="application/json").status_code

    assert [post(), post(), post(value="1.09"), post(value=1.09), post(base="XXX")] == [201, 200, 409, 422, 422]
    listed = signed_in(auditor).get("/api/v1/rates?base=EUR").json()["results"]
    assert [one["value"] for one in listed] == ["1.0842"]
    assert signed_in(auditor).post("/api/v1/rates", body, content_type="application/json").status_code == 403
