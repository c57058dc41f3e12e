"""Standing proof: what is derivable is derived again and compared, what is new each minute and everything each night.

The checker never writes to the books. It writes what it found, stops posting where a finding says so, and tells people.
"""

import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.db.models.functions import Now

from audit.operations import act, record_event
from ledger.models import Account, Alert, AlertKind, Asset, IntegrityFinding, IntegrityRun, Severity
from ledger.operations import integrity_screens as screens
from ledger.operations.integrity_checks import BALANCES, CHECK_OF, EACH_MINUTE, ENTRIES, FIGURES, FULL, NEW_FIGURES, Pass
from ledger.operations.integrity_entries import CLOSES, LOST_ENTRIES
from ledger.operations.integrity_statements import (
    ACCOUNT_COLUMNS,
    CHANGED_ACCOUNTS,
    DAYS_OF_ACCOUNTS,
    ENTRIES_OF_WHAT_IS_NEW,
    FINDING,
)
from ledgerops.lib import money
from ledgerops.lib.transactions import database_now, will_pass
from ledgerops.runtime.models import Function, Switch

INTEGRITY_LOCK = 4204
TARGET = "ledger.integrity_run"
# A worker that is alive says so after every pass; one that has been silent this long is gone.
SILENCE = {True: timedelta(minutes=30), False: timedelta(minutes=5)}
# Of what one pass finds so many are kept: where more is wrong, the first thousand say it as well.
KEPT = 1_000
# What one minute looks at of one account: an account loaded with years of postings is caught up with by and by, or by a full examination.
MOST_A_MINUTE = 50_000
ENTRIES_AT_ONCE = 5_000
ACCOUNTS_AT_ONCE = 500
# Postings that do not lie in the order of their time make suspects of what is right: then ranges are given up.
MANY_SUSPECTS = 5_000
_AMOUNT = re.compile(r"-?\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """One object that is not as the books say: a row of `FINDING`."""

    check_name: str
    object_type: str
    object_id: str
    name: str
    account_id: int | None
    scope: str
    expected: Mapping[str, Any]
    found: Mapping[str, Any]

    @property
    def key(self) -> tuple[str, str, str]:
        return self.check_name, self.object_type, self.object_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a pass came to. `complete` says that nothing else is wrong by its checks, so what was found before and not now is right."""

    wrong: Sequence[Wrong]
    objects: Mapping[str, int]
    complete: bool


def check_books(*, full: bool, requested_by_id: int | None = None) -> IntegrityRun:
    """Examine the books, all of them or what is new, and return the run once it has ended; one under way is left alone and returned."""
    run = _begin(full=full, requested_by_id=requested_by_id)
    execute_integrity_run(run_id=run.pk)
    run.refresh_from_db()
    return run


def check_what_is_new() -> IntegrityRun:
    """Examine what was posted since the last time; at the same moment only one worker does."""
    return check_books(full=False)


def request_integrity_run(*, requested_by_id: int) -> IntegrityRun:
    """Ask for a full examination; if one waits or works already, it is that one."""
    return _begin(full=True, requested_by_id=requested_by_id)


def waiting_integrity_runs() -> list[UUID]:
    """Return the full runs that wait for a worker, or whose worker has gone silent."""
    return [
        run.pk for run in IntegrityRun.objects.filter(full=True, finished_at=None).order_by("id") if _claimable(run, now=database_now())
    ]


def execute_integrity_run(*, run_id: UUID) -> None:
    """Carry a run through its passes; one that another worker has is left to it.

    A finding commits with the pass that made it, so a run that stops in between has said what it saw.
    """
    claim = _claim(run_id)
    if claim is None:
        return
    run = IntegrityRun.objects.get(pk=run_id)
    try:
        if run.full:
            _examine_everything(run, claim=claim)
        else:
            _examine_what_is_new(run, claim=claim)
    except Exception as error:
        if not will_pass(error):
            _end(run, claim=claim, failed=True)
        raise


def check_account(*, code: str) -> list[str]:
    """Derive an account's balance and days again, inside the caller's transaction, and close the findings that are right now.

    Returns the names of the checks that still find something.
    """
    account = Account.objects.get(code=code)
    _without_limits()
    rows = [*_accounts([account.pk]), *_closes([account.pk]), *_rows(BALANCES.statement)]
    still = {row.key for row in rows if row.account_id == account.pk}
    checks = {*FIGURES.checks, *BALANCES.checks}
    _resolve(IntegrityFinding.objects.filter(account=account, resolved_at=None, check_name__in=checks), seen=still)
    return sorted(name for name, _, _ in still)


def _begin(*, full: bool, requested_by_id: int | None) -> IntegrityRun:
    with act("ledger.integrity.requested", target_type=TARGET, target_id="full" if full else "new"):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [INTEGRITY_LOCK, int(full)])
        now = database_now()
        for earlier in IntegrityRun.objects.filter(full=full, finished_at=None).order_by("id"):
            if full or now - earlier.heartbeat_at < SILENCE[full]:
                return earlier
            # What it had not looked at is still new to the next.
            IntegrityRun.objects.filter(pk=earlier.pk, finished_at=None).update(finished_at=now)
        run = IntegrityRun.objects.create(full=full, requested_by_id=requested_by_id, started_at=now, heartbeat_at=now)
        # The minute's run is work of the machine; what it finds is on the trail, not that it looked.
        if full:
            record_event("ledger.integrity.requested", target_type=TARGET, target_id=run.pk, after={"full": full})
        return run


def _claimable(run: IntegrityRun, *, now: datetime) -> bool:
    return run.finished_at is None and (not run.progress or now - run.heartbeat_at >= SILENCE[run.full])


def _claim(run_id: UUID) -> datetime | None:
    """Take a run that waits; the heartbeat returned is the claim, and whoever finds another one on the run stops."""
    with transaction.atomic():
        run = IntegrityRun.objects.select_for_update().filter(pk=run_id).first()
        now = database_now()
        if run is None or not _claimable(run, now=now):
            return None
        names = [name for one in FULL for name in one.checks] if run.full else [name for one in EACH_MINUTE for name in _each_minute(one)]
        run.heartbeat_at = now
        run.progress = [{"check": name, "state": "waiting", "objects": 0, "findings": 0} for name in names]
        run.save(update_fields=["heartbeat_at", "progress"])
        return now


def _examine_everything(run: IntegrityRun, *, claim: datetime) -> None:
    objects = _counted()
    for one in FULL:
        claim_now = _say(run, claim=claim, checks=one.checks, state="current")
        if claim_now is None:
            return
        # What was found commits with the looking, and with the positions that move on because of it.
        with act("ledger.integrity.found", target_type=TARGET, target_id=run.pk):
            _without_limits()
            rows = _SCREENED[one.label]() if one.screened else _rows(one.statement)
            answer = Answer(wrong=rows[:KEPT], objects=objects, complete=len(rows) <= KEPT)
            _record(run, checks=one.checks, answer=answer)
        claim_next = _say(run, claim=claim_now, checks=one.checks, state="done", answer=answer)
        if claim_next is None:
            return
        claim = claim_next
    run.postings_checked = objects["postings"]
    _end(run, claim=claim)


def _examine_what_is_new(run: IntegrityRun, *, claim: datetime) -> None:
    """Fold what is new of each account, then look at what every account says by itself and at the entries reached through new postings."""
    answers: dict[Pass, Answer] = {}
    with act("ledger.integrity.found", target_type=TARGET, target_id=run.pk):
        _without_limits()
        with connection.cursor() as cursor:
            cursor.execute(CHANGED_ACCOUNTS, {"most": MOST_A_MINUTE})
            columns = _columns(cursor.fetchall())
            cursor.execute(ENTRIES_OF_WHAT_IS_NEW, columns)
            entries = [entry_id for (entry_id,) in cursor.fetchall()]
        postings = sum(max(through - seq, 0) for through, seq in zip(columns["through"], columns["seq"], strict=True))
        objects = {"accounts": len(columns["seq"]), "postings": postings, "entries": len(entries)}
        found = {NEW_FIGURES: _rows(NEW_FIGURES.statement, columns), BALANCES: _rows(BALANCES.statement), ENTRIES: _entries(entries)}
        for one, rows in found.items():
            answers[one] = Answer(wrong=rows[:KEPT], objects=objects, complete=one is BALANCES and len(rows) <= KEPT)
            _record(run, checks=_each_minute(one), answer=answers[one])
    for one, answer in answers.items():
        said = _say(run, claim=claim, checks=_each_minute(one), state="done", answer=answer)
        if said is None:
            return
        claim = said
    run.postings_checked = postings
    _end(run, claim=claim)


def _each_minute(one: Pass) -> list[str]:
    return [name for name in one.checks if CHECK_OF[name].each_minute]


def _columns(accounts: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return _by_column(list(ACCOUNT_COLUMNS), accounts)


def _without_limits() -> None:
    """Let the statements of this transaction take the time and the memory they need."""
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 0")
        cursor.execute("SET LOCAL work_mem = '256MB'")
        cursor.execute("SET LOCAL jit = off")


def _counted() -> dict[str, int]:
    kinds = {
        "accounts": "SELECT count(*) FROM ledger_balance",
        "postings": "SELECT (SELECT coalesce(sum(version), 0) FROM ledger_balance) + (SELECT count(*) FROM ledger_posting_tail)",
        "days": "SELECT count(*) FROM ledger_day_delta",
        "deferred": "SELECT (SELECT count(*) FROM ledger_posting_tail) + (SELECT count(*) FROM ledger_rolled_posting)",
        "entries": "SELECT count(*) FROM ledger_entry",
        "transactions": "SELECT count(*) FROM ledger_transaction",
        "holds": "SELECT count(*) FROM ledger_hold",
        "reversals": "SELECT count(*) FROM ledger_reversed_leg",
        "closes": "SELECT count(*) FROM ledger_close",
    }
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"({statement})::bigint" for statement in kinds.values()))
        return dict(zip(kinds, cursor.fetchone(), strict=True))


def _rows(statement: str, values: Mapping[str, Any] | None = None) -> list[Wrong]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        rows = cursor.fetchmany(KEPT + 1)
    return [_wrong(row) for row in rows]


def _wrong(row: Sequence[Any]) -> Wrong:
    told = dict(zip(FINDING, row, strict=True))
    return Wrong(**{**told, "expected": _json(told["expected"]), "found": _json(told["found"])})


def _json(value: Any) -> Mapping[str, Any]:
    read: Mapping[str, Any] = json.loads(value) if isinstance(value, str) else value
    return read


def _screened_accounts() -> list[Wrong]:
    """Find suspect accounts, look closely at them, and let the verified positions of the others move on."""
    with connection.cursor() as cursor:
        cuts = _cuts(cursor)
        cursor.execute(screens.suspect_accounts(cuts), {"key": secrets.randbits(63)})
        seen = cursor.fetchall()
        cursor.execute(screens.out_of_order(cuts))
        stretches = cursor.fetchall()
        if cuts and len(stretches) > MANY_SUSPECTS:
            cursor.execute(screens.out_of_order([]))
            stretches = cursor.fetchall()
        cursor.execute(screens.EARLY, _by_column(("accounts", "firsts", "lasts"), stretches))
        suspect = {account_id for (account_id,) in cursor.fetchall()} | {row[0] for row in seen if row[1]}
        right = [(account, *figures) for account, _, _, *figures in seen if account not in suspect]
        cursor.execute(screens.MOVE_ON, _by_column(("accounts", "seqs", "debits", "credits"), right))
    return [*_accounts(sorted(suspect)), *_closes(sorted(suspect | {row[0] for row in seen if row[2]}))]


def _cuts(cursor: CursorWrapper) -> list[screens.Cut]:
    """Return where to cut the postings into ranges that workers share."""
    cursor.execute(screens.SIZES)
    pages, entries = cursor.fetchone()
    at = screens.pages_to_cut(pages=pages, entries=entries)
    if not at:
        return []
    cursor.execute(screens.cuts_at(at))
    return [screens.Cut(row=row, lowest=lowest, highest=highest) for row, lowest, highest in cursor.fetchall() if lowest is not None]


def _by_column(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> dict[str, list[Any]]:
    return {name: [row[place] for row in rows] for place, name in enumerate(names)}


def _closes(accounts: Sequence[int]) -> list[Wrong]:
    """Derive again what closes stored of accounts."""
    return _rows(CLOSES, {"accounts": list(accounts)}) if accounts else []


def _accounts(accounts: Sequence[int]) -> list[Wrong]:
    """Derive accounts again from their first posting on, posting by posting and day by day."""
    wrong: list[Wrong] = []
    for start in range(0, len(accounts), ACCOUNTS_AT_ONCE):
        these = {"accounts": list(accounts[start : start + ACCOUNTS_AT_ONCE])}
        wrong += [*_rows(FIGURES.statement, these), *_rows(DAYS_OF_ACCOUNTS, these)]
        if len(wrong) > KEPT:
            break
    return wrong


def _screened_entries() -> list[Wrong]:
    """Find suspect entries, and look closely at them."""
    with connection.cursor() as cursor:
        cuts = _cuts(cursor)
        found, mixed, missed = _suspect_entries(cursor, cuts)
        if cuts and len(found) > MANY_SUSPECTS:
            found, mixed, missed = _suspect_entries(cursor, [])
        for statement, values, asked in (
            (screens.UNBALANCED, {"entries": mixed}, bool(mixed)),
            (screens.EMPTY_ENTRIES, None, missed),
            (LOST_ENTRIES, None, missed),
        ):
            if asked:
                cursor.execute(statement, values)
                found += [entry_id for (entry_id,) in cursor.fetchall()]
    return _entries(list(dict.fromkeys(found)))


def _suspect_entries(cursor: CursorWrapper, cuts: Sequence[screens.Cut]) -> tuple[list[UUID], list[UUID], bool]:
    """Return the entries that are suspect, those whose balance is not asked yet, and whether an entry or a transaction was not seen."""
    cursor.execute(screens.suspect_entries(cuts))
    ranges = cursor.fetchall()
    found, mixed = ([entry_id for row in ranges for entry_id in row[place] or ()] for place in (0, 1))
    return found, mixed, any(sum(counts) for counts in zip(*(row[2:] for row in ranges), strict=True))


_SCREENED: Mapping[str, Callable[[], list[Wrong]]] = {FIGURES.label: _screened_accounts, ENTRIES.label: _screened_entries}


def _entries(entries: Sequence[UUID]) -> list[Wrong]:
    wrong: list[Wrong] = []
    for start in range(0, len(entries), ENTRIES_AT_ONCE):
        wrong += _rows(ENTRIES.statement, {"entries": list(entries[start : start + ENTRIES_AT_ONCE])})
        if len(wrong) > KEPT:
            break
    return wrong


def _say(run: IntegrityRun, *, claim: datetime, checks: Sequence[str], state: str, answer: Answer | None = None) -> datetime | None:
    """Write how far the run is; None if it is no longer this worker's."""
    for step in run.progress or IntegrityRun.objects.values_list("progress", flat=True).get(pk=run.pk):
        if step["check"] in checks:
            step["state"] = state
            if answer is not None:
                step["objects"] = answer.objects.get(CHECK_OF[step["check"]].objects, 0)
                step["findings"] = sum(wrong.check_name == step["check"] for wrong in answer.wrong)
    now = database_now()
    run.findings_count = sum(step["findings"] for step in run.progress)
    own = IntegrityRun.objects.filter(pk=run.pk, finished_at=None, heartbeat_at=claim)
    return now if own.update(heartbeat_at=now, progress=run.progress, findings_count=run.findings_count) else None


def _end(run: IntegrityRun, *, claim: datetime, failed: bool = False) -> None:
    with act("ledger.integrity.completed", target_type=TARGET, target_id=run.pk):
        if failed:
            for step in run.progress:
                step["state"] = "done" if step["state"] == "done" else "failed"
        own = (
            IntegrityRun.objects.filter(pk=run.pk, finished_at=None)
            if failed
            else IntegrityRun.objects.filter(pk=run.pk, heartbeat_at=claim)
        )
        ended = own.update(finished_at=Now(), heartbeat_at=Now(), progress=run.progress, postings_checked=run.postings_checked)
        if ended and (run.full or failed):
            record_event(
                "ledger.integrity.completed",
                target_type=TARGET,
                target_id=run.pk,
                outcome="failed" if failed else "done",
                after={"full": run.full, "postings": run.postings_checked, "findings": run.findings_count},
            )


def _record(run: IntegrityRun, *, checks: Sequence[str], answer: Answer) -> None:
    """Keep what a pass found: new findings stop posting in their scope, tell people and go on the trail; others are seen again or right."""
    wrong = [one for one in answer.wrong if one.check_name in checks]
    known = IntegrityFinding.objects.filter(check_name__in=checks, resolved_at=None)
    if not wrong and not known.exists():
        return
    told = _sentences(wrong)
    open_now = {(one.check_name, one.object_type, one.object_id): one for one in known}
    for one in wrong:
        finding = open_now.get(one.key)
        if finding is None:
            _open(run, one=one, sentence=told[one.key])
        else:
            finding.last_seen_at, finding.sentence = database_now(), told[one.key]
            finding.expected, finding.found = dict(one.expected), dict(one.found)
            finding.save(update_fields=["last_seen_at", "sentence", "expected", "found"])
    if answer.complete:
        _resolve(list(open_now.values()), seen={one.key for one in wrong})


def _open(run: IntegrityRun, *, one: Wrong, sentence: str) -> None:
    check = CHECK_OF[one.check_name]
    finding = IntegrityFinding.objects.create(
        check_name=check.name,
        severity=check.severity,
        object_type=one.object_type,
        object_id=one.object_id,
        account_id=one.account_id,
        expected=dict(one.expected),
        found=dict(one.found),
        sentence=sentence,
        first_run=run,
    )
    Alert.objects.create(
        kind=AlertKind.INTEGRITY, account_id=one.account_id, detail={"finding": str(finding.pk), "check": check.name, "sentence": sentence}
    )
    if check.severity == Severity.FREEZE:
        _stop_posting(scope=one.scope, reason=sentence)
    record_event(
        "ledger.integrity.found",
        target_type="ledger.integrity_finding",
        target_id=finding.pk,
        reason=sentence,
        after={"check": check.name, "object": one.object_id, "severity": check.severity, "scope": one.scope},
    )


def _stop_posting(*, scope: str, reason: str) -> None:
    """Stop posting in a scope but for approved corrections; where it is stopped already, it stays so for the reason it has."""
    if Switch.objects.filter(function=Function.POSTING, scope=scope, lifted_at=None).exists():
        return
    switch = Switch.objects.create(function=Function.POSTING, scope=scope, reason=reason, passes_approved=True)
    record_event(
        "approvals.switch.set",
        target_type="runtime.switch",
        target_id=switch.pk,
        reason=reason,
        after={"function": Function.POSTING, "scope": scope, "passes_approved": True},
    )


def _resolve(known: Iterable[IntegrityFinding], *, seen: set[tuple[str, str, str]]) -> None:
    for finding in known:
        if (finding.check_name, finding.object_type, finding.object_id) not in seen:
            IntegrityFinding.objects.filter(pk=finding.pk).update(resolved_at=Now())
            record_event(
                "ledger.integrity.resolved",
                target_type="ledger.integrity_finding",
                target_id=finding.pk,
                after={"check": finding.check_name, "object": finding.object_id},
            )


def _sentences(wrong: Sequence[Wrong]) -> dict[tuple[str, str, str], str]:
    """Return what is wrong in words, amounts as people write them."""
    assets = {
        pk: (scale, code)
        for pk, scale, code in Account.objects.filter(pk__in={one.account_id for one in wrong if one.account_id}).values_list(
            "pk", "asset__scale", "asset__code"
        )
    }
    by_code = dict(Asset.objects.values_list("code", "scale")) if any(one.object_type == "ledger.entity" for one in wrong) else {}
    told = {}
    for one in wrong:
        asset = one.object_id.rpartition("/")[2]
        unit = (by_code[asset], asset) if one.object_type == "ledger.entity" and asset in by_code else assets.get(one.account_id or 0)
        told[one.key] = CHECK_OF[one.check_name].sentence.format(
            name=one.name, expected=_readable(one.expected, unit), found=_readable(one.found, unit)
        )
    return told


def _readable(values: Mapping[str, Any], unit: tuple[int, str] | None) -> dict[str, Any]:
    """Return the values with sums of minor units, which are texts of digits, as amounts."""
    return {
        name: f"{money.plain(int(value), scale=unit[0])} {unit[1]}"
        if unit and isinstance(value, str) and _AMOUNT.fullmatch(value)
        else value
        for name, value in values.items()
    }
