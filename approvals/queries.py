"""Reading proposals. Gates take the user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS
from django.db.models import Count, Exists, F, OuterRef, Prefetch, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from guardian.models import GroupObjectPermissionBase
from knox.settings import CONSTANTS

from approvals.canonical import canonical_json, digest_of
from approvals.models import (
    OPEN_STATUSES,
    Decision,
    DecisionOutcome,
    PolicyVersion,
    Proposal,
    ProposalStatus,
    ProposalVersion,
    ReasonCode,
    User,
)
from approvals.registry import Amount, Review, handler_of, handlers
from ledgerops.lib import diff, money
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.prepared import read
from ledgerops.runtime.models import Switch

# How a proposal stands, completing "this proposal ...".
STANDING = {
    ProposalStatus.SUBMITTED: "waits for a decision",
    ProposalStatus.CHANGES_REQUESTED: "was returned to its maker for changes",
    ProposalStatus.EXECUTED: "has been approved and posted",
    ProposalStatus.STALE: "was approved, but what it rested on had changed",
    ProposalStatus.FAILED: "was approved, but the books refused it",
    ProposalStatus.REJECTED: "has been rejected",
    ProposalStatus.WITHDRAWN: "has been withdrawn by its maker",
    ProposalStatus.EXPIRED: "has expired",
}
assert set(STANDING) == set(ProposalStatus)


class ProposalNotFound(Refusal):
    code = "proposal_not_found"
    kind = RefusalKind.NOT_FOUND


class SwitchNotFound(Refusal):
    code = "switch_not_found"
    kind = RefusalKind.NOT_FOUND


def proposals_for(user: User) -> QuerySet[Proposal]:
    """Return the proposals whose scope the user's roles give sight of, newest first."""
    visible = Q(pk__in=[])
    for handler in handlers():
        visible |= Q(kind=handler.kind, scope__in=handler.scopes_for(user=user))
    return Proposal.objects.filter(visible).select_related("maker")


def proposal_for(user: User, *, proposal_id: UUID) -> Proposal:
    """Return one proposal.

    :raises ProposalNotFound: if it does not exist or lies outside the user's scope.
    """
    # Its own handler alone is asked for scopes: there are many kinds, and this is on every page of a proposal.
    proposal = Proposal.objects.filter(pk=proposal_id).select_related("maker").first()
    if proposal is None or proposal.scope not in handler_of(proposal.kind).scopes_for(user=user):
        raise ProposalNotFound("there is no such proposal in your scope")
    return proposal


def queue_for(user: User) -> QuerySet[Proposal]:
    """Return what waits for a decision, nearest expiry first."""
    return proposals_for(user).filter(status=ProposalStatus.SUBMITTED).order_by("expires_at", "id")


def decidable_by(user: User) -> QuerySet[Proposal]:
    """Return what this user could decide now: in scope, in time, not made or submitted by them, this version not yet decided by them."""
    if not user.has_perm("approvals.decide_proposal"):
        return Proposal.objects.none()
    # Asked of each proposal that waits, which are few; all that a person ever submitted or decided grows with the years.
    involved = ProposalVersion.objects.filter(proposal=OuterRef("pk"), submitted_by=user)
    decided = Decision.objects.filter(proposal=OuterRef("pk"), approver=user, version__n=OuterRef("current_version"))
    return queue_for(user).filter(~Exists(involved), ~Exists(decided), expires_at__gt=Now()).exclude(maker=user)


def waiting_for(user: User) -> QuerySet[Proposal]:
    """Return what has not ended, for a checker to decide or for its maker to revise."""
    return proposals_for(user).filter(status__in=OPEN_STATUSES)


def made_by(user: User) -> QuerySet[Proposal]:
    """Return this user's own proposals."""
    return proposals_for(user).filter(maker=user)


def ended_for(user: User) -> QuerySet[Proposal]:
    """Return what has ended, however it did."""
    return proposals_for(user).exclude(status__in=OPEN_STATUSES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A proposal as a list shows it."""

    proposal: Proposal
    version: ProposalVersion
    label: str
    amount: Amount | None
    approvals: int
    required: int


def rows_of(proposals: Sequence[Proposal]) -> list[Row]:
    """Return the rows of a list in the order given, at a cost that does not grow with their number."""
    approved = Count("decisions", filter=Q(decisions__outcome=DecisionOutcome.APPROVE))
    current = ProposalVersion.objects.filter(proposal__in=proposals, n=F("proposal__current_version"))
    versions = {version.proposal_id: version for version in current.select_related("policy_version").annotate(approvals=approved)}
    amounts: dict[UUID, Amount | None] = {}
    for kind in {proposal.kind for proposal in proposals}:
        same = [proposal for proposal in proposals if proposal.kind == kind]
        worth = handler_of(kind).amounts(payloads=[versions[proposal.pk].payload for proposal in same])
        amounts |= {proposal.pk: amount for proposal, amount in zip(same, worth, strict=True)}
    return [
        Row(
            proposal=proposal,
            version=versions[proposal.pk],
            label=handler_of(proposal.kind).label,
            amount=amounts[proposal.pk],
            approvals=versions[proposal.pk].approvals,
            required=versions[proposal.pk].policy_version.required_approvals,
        )
        for proposal in proposals
    ]


def current_version(proposal: Proposal) -> ProposalVersion:
    return ProposalVersion.objects.select_related("policy_version", "reason_code", "submitted_by").get(
        proposal=proposal, n=proposal.current_version
    )


def versions_of(proposal: Proposal) -> QuerySet[ProposalVersion]:
    """Return every version, oldest first, with its decisions."""
    decisions = Prefetch("decisions", Decision.objects.select_related("approver"))
    return (
        ProposalVersion.objects.filter(proposal=proposal)
        .select_related("submitted_by", "reason_code", "policy_version")
        .order_by("n")
        .prefetch_related(decisions)
    )


def why_not_decidable(user: User, *, proposal: Proposal, version: ProposalVersion | None = None) -> str:
    """Return the sentence that explains why this user cannot decide this proposal, or an empty string if they can.

    `version` is the current one, for callers that have it.
    """
    if proposal.status != ProposalStatus.SUBMITTED:
        return f"This proposal {STANDING[ProposalStatus(proposal.status)]}."
    if proposal.has_expired(at=timezone.now()):
        return "This proposal has expired."
    version = version or current_version(proposal)
    if user.pk in (proposal.maker_id, version.submitted_by_id):
        return "You made this proposal, so somebody else must decide it."
    if not user.has_perm("approvals.decide_proposal"):
        return "Your roles do not include deciding proposals."
    if any(decision.approver_id == user.pk for decision in version.decisions.all()):
        return "You have decided this version already."
    return ""


def in_sight_of(proposal: Proposal, *, users: QuerySet[User], limit: int) -> list[User]:
    """Return the first of these users whose roles give sight of the proposal's scope."""
    handler = handler_of(proposal.kind)
    found: list[User] = []
    for user in users.iterator():
        if len(found) == limit:
            break
        if proposal.scope in handler.scopes_for(user=user):
            found.append(user)
    return found


def eligible_approvers(proposal: Proposal) -> QuerySet[User]:
    """Return the active users whose roles let them decide proposals, without the maker; `in_sight_of` looks at their scope."""
    permission = Q(groups__permissions__codename="decide_proposal", groups__permissions__content_type__app_label="approvals")
    return User.objects.filter(permission, is_active=True).exclude(pk=proposal.maker_id).distinct().order_by("username")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing a policy asks for; `state` is passed, failed or note."""

    state: str
    text: str
    source: str
    detail: str = ""


def policy_checks(*, proposal: Proposal, version: ProposalVersion, review: Review, eligible: Sequence[User]) -> list[Check]:
    """Return what was checked of a version: what every proposal is held to, then what its handler says."""
    required = version.policy_version.required_approvals
    able = sum(1 for user in eligible if user.pk != version.submitted_by_id)
    own_votes = sum(decision.approver_id == proposal.maker_id for decision in version.decisions.all())
    people = "person" if required == 1 else "people"
    intact = digest_of(version.canonical) == version.digest and canonical_json(version.payload) == version.canonical
    in_time = not proposal.is_open or not proposal.has_expired(at=timezone.now())
    checks = [
        Check(_state(passed=own_votes == 0), "The maker is not among those who decide", "four eyes"),
        Check(
            _state(passed=not proposal.is_open or able >= required),
            f"{required} other {people} must approve, {able} could",
            f"policy {version.policy_version.n}",
        ),
        Check(_state(passed=intact), "The content matches its digest", f"{version.digest[:4]}\u2026{version.digest[-4:]}"),
        Check(_state(passed=in_time), "The proposal is decided before it expires" if in_time else "The proposal has expired", "expiry"),
    ]
    if not proposal.is_open and proposal.status != ProposalStatus.EXECUTED:
        return checks  # what the handler looks at has moved on since
    return checks + [Check(_state(passed=passed), text, source) for passed, text, source in review.checks]


def _state(*, passed: bool) -> str:
    return "passed" if passed else "failed"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of the content that two versions disagree on, as a row of a comparison."""

    field: str
    comparison: diff.Comparison
    mono: bool = False


def changes_between(older: ProposalVersion, newer: ProposalVersion, *, scale: int | None) -> list[FieldChange]:
    """Return every field that changed, each change once: what a payload repeats is shown at its first place."""
    before, after = dict(_fields(older.payload, scale=scale)), dict(_fields(newer.payload, scale=scale))
    seen: set[tuple[str, str]] = set()
    changes = []
    for field in [*before, *(field for field in after if field not in before)]:
        pair = (before.get(field, ""), after.get(field, ""))
        if pair[0] != pair[1] and pair not in seen:
            seen.add(pair)
            changes.append(FieldChange(field, _compared(*pair)))
    return changes


def _fields(content: Mapping[str, Any], *, scale: int | None) -> Iterator[tuple[str, str]]:
    """Yield a payload field by field under the words a person reads, its own before those inside others; an entry's line is one field."""
    for name, value in sorted(content.items(), key=lambda field: isinstance(field[1], Mapping)):
        word = name.replace("_", " ").capitalize()
        if isinstance(value, Mapping):
            for inner, text in _fields(value, scale=scale):
                yield (inner if inner.startswith("Line ") else f"{word}: {inner.lower()}"), text
        elif name == "lines":
            yield from ((f"Line {n}", _line(line, scale=scale)) for n, line in enumerate(value, start=1))
        elif isinstance(value, list):
            yield word, ", ".join(str(part) for part in value)
        else:
            yield word, "" if value is None else str(value)


def _line(line: Mapping[str, Any], *, scale: int | None) -> str:
    amount = line["amount"] if scale is None else money.grouped(int(line["amount"]), scale=scale)
    return f"{line['direction']} {line['account']} {amount} {line['asset']}"


def _compared(before: str, after: str) -> diff.Comparison:
    try:
        return diff.day(date.fromisoformat(before), date.fromisoformat(after))
    except ValueError:
        return diff.text(before, after)


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody did to a proposal; `word` completes "<who> ...", `tone` is that of the timeline."""

    who: str
    word: str
    at: datetime
    tone: str = ""
    icon: str = "circle"
    text: str = ""


_DONE = {
    DecisionOutcome.APPROVE: ("approved version {}", "good", "check"),
    DecisionOutcome.REQUEST_CHANGES: ("asked for changes of version {}", "amber", "undo-2"),
    DecisionOutcome.REJECT: ("rejected version {}", "bad", "x"),
}
assert set(_DONE) == set(DecisionOutcome)
_ENDED = {
    ProposalStatus.EXECUTED: ("Carried out", "good", "check"),
    ProposalStatus.STALE: ("Not carried out: the world had changed", "amber", "history"),
    ProposalStatus.FAILED: ("Not carried out: the books refused it", "bad", "circle-alert"),
    ProposalStatus.WITHDRAWN: ("withdrew the proposal", "", "undo-2"),
    ProposalStatus.EXPIRED: ("Ran out of time", "", "calendar-clock"),
}


def conversation_of(proposal: Proposal, *, versions: Sequence[ProposalVersion]) -> list[Change]:
    """Return what its people did and said, oldest first, and how it ended."""
    changes = []
    for version in versions:
        word = "proposed" if version.n == 1 else f"submitted version {version.n}"
        changes.append(Change(version.submitted_by.shown_name, word, version.submitted_at, icon="pencil-line", text=version.narrative))
        for decision in version.decisions.all():
            word, tone, icon = _DONE[DecisionOutcome(decision.outcome)]
            changes.append(Change(decision.approver.shown_name, word.format(version.n), decision.decided_at, tone, icon, decision.comment))
    changes.sort(key=lambda change: change.at)
    if proposal.closed_at is not None and (ended := _ENDED.get(ProposalStatus(proposal.status))) is not None:
        who = proposal.maker.shown_name if proposal.status == ProposalStatus.WITHDRAWN else ""
        changes.append(Change(who, ended[0], proposal.closed_at, ended[1], ended[2], proposal.status_reason))
    return changes


@dataclass(frozen=True, slots=True, kw_only=True)
class Bearer:
    """Whose a kept token is. `ended` says that this or another token of theirs is past its time and waits to be deleted."""

    digest: str
    user: User
    ended: bool


_BEARERS = """
    SELECT json_agg(json_build_array(
           t.digest, EXISTS (SELECT FROM knox_authtoken o WHERE o.user_id = t.user_id AND o.expiry < statement_timestamp()),
           ARRAY(SELECT c.app_label || '.' || p.codename FROM approvals_user_groups m
                 JOIN auth_group_permissions g ON g.group_id = m.group_id
                 JOIN auth_permission p ON p.id = g.permission_id JOIN django_content_type c ON c.id = p.content_type_id
                 WHERE m.user_id = t.user_id),
           ARRAY(SELECT c.app_label || '.' || p.codename FROM approvals_user_user_permissions m
                 JOIN auth_permission p ON p.id = m.permission_id JOIN django_content_type c ON c.id = p.content_type_id
                 WHERE m.user_id = t.user_id),
           u.id, u.is_superuser, u.username, u.first_name, u.last_name, u.email, u.is_staff, u.is_active))::text
    FROM knox_authtoken t JOIN approvals_user u ON u.id = t.user_id WHERE t.token_key = $1
"""
# What else is known of a person, such as the digest of their passphrase, is read when it is asked for.
_PERSON = ("id", "is_superuser", "username", "first_name", "last_name", "email", "is_staff", "is_active")
assert [field.attname for field in User._meta.concrete_fields if field.attname in _PERSON] == [*_PERSON], "read in the model's order"


def bearers(*, token: str) -> Iterator[Bearer]:
    """Yield whose tokens begin as this one; which of them it is, its digest says. Their permissions are read with them."""
    for digest, ended, by_role, by_name, *person in read(_BEARERS, [token[: CONSTANTS.TOKEN_KEY_LENGTH]]) or ():
        user = User.from_db(DEFAULT_DB_ALIAS, _PERSON, person)
        # Where Django's backend keeps what it has read for this one object.
        user.__dict__.update(_group_perm_cache=set(by_role), _user_perm_cache=set(by_name), _perm_cache={*by_role, *by_name})
        yield Bearer(digest=digest, user=user, ended=ended)


@dataclass(frozen=True, slots=True)
class Sight:
    """One object that one of a user's roles gives sight of, in words."""

    kind: str
    name: str
    role: str


def sight_of(user: User) -> list[Sight]:
    """Return what the user's roles give sight of, whatever apps scope by."""
    permissions = [model for model in apps.get_models() if issubclass(model, GroupObjectPermissionBase)]
    return sorted(
        (
            Sight(str(row.content_object._meta.verbose_name).capitalize(), str(row.content_object), row.group.name)
            for model in permissions
            if "content_object" in {field.name for field in model._meta.fields}
            for row in model.objects.filter(group__in=user.groups.all()).select_related("content_object", "group")
        ),
        key=lambda sight: (sight.kind, sight.name, sight.role),
    )


def current_policy(*, kind: str) -> PolicyVersion | None:
    return PolicyVersion.objects.filter(kind=kind).order_by("-n").first()


def reason_codes(*, kind: str | None = None) -> QuerySet[ReasonCode]:
    """Return the reasons that may be given, for one kind of proposal or for every."""
    active = ReasonCode.objects.filter(active=True)
    return active if kind is None else active.filter(kind=kind)


def proposals_about(*, target_type: str, target_id: object) -> QuerySet[Proposal]:
    """Return every proposal about one object, newest first. The caller has already shown the object to the reader."""
    return Proposal.objects.filter(target_type=target_type, target_id=str(target_id)).select_related("maker").order_by("-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchRow:
    """A switch with the names of who set and lifted it, and the proposal to lift it that waits."""

    switch: Switch
    set_by: str
    lifted_by: str
    waiting: Proposal | None


def switch_rows(switches: QuerySet[Switch]) -> list[SwitchRow]:
    """Return switches with the people behind them, in the order given; the system has no name."""
    found = list(switches)
    ids = {one for switch in found for one in (switch.set_by_id, switch.lifted_by_id) if one is not None}
    names = {person.pk: person.shown_name for person in User.objects.filter(pk__in=ids)}
    waiting = {
        proposal.target_id: proposal
        for proposal in Proposal.objects.filter(
            target_type="runtime.switch", target_id__in=[str(switch.pk) for switch in found], status__in=OPEN_STATUSES
        )
    }
    return [
        SwitchRow(
            switch=switch,
            set_by=names.get(switch.set_by_id or 0, ""),
            lifted_by=names.get(switch.lifted_by_id or 0, ""),
            waiting=waiting.get(str(switch.pk)),
        )
        for switch in found
    ]


def switches_in_force() -> QuerySet[Switch]:
    """Return what is stopped, latest first; it concerns everybody, whatever they have sight of."""
    return Switch.objects.filter(lifted_at__isnull=True).order_by("-id")


def switches_lifted() -> QuerySet[Switch]:
    return Switch.objects.filter(lifted_at__isnull=False).order_by("-lifted_at")


def switch_by_id(switch_id: UUID) -> Switch:
    """Return one switch.

    :raises SwitchNotFound: if it does not exist.
    """
    found = Switch.objects.filter(pk=switch_id).first()
    if found is None:
        raise SwitchNotFound("there is no such switch")
    return found
