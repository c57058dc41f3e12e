"""What speaks for and against: the two sides field by field, the candidates, and why nothing was matched."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ledgerops.lib.money import grouped
from recon import break_queries, queries, side_queries
from recon.break_queries import Candidate, SuggestedGroup
from recon.matching.candidates import Verdict
from recon.matching.comparison import FieldRow, compared
from recon.matching.explanations import SUGGESTION_WORDS, cause_in_words, suggestion_in_words, warning_of, why_matched
from recon.matching.nearest import Answer
from recon.models import Break, Item, MatchMethod, Side, Suggestion
from recon.queries import Facts
from recon.web.breaks.words import METHOD_WORDS

VERDICT_WORDS = {Verdict.AGREES: "yes", Verdict.CLOSE: "near", Verdict.DIFFERS: "no"}
assert set(VERDICT_WORDS) == set(Verdict)
SIDE_WORDS = {Side.LEDGER: "Ledger", Side.STATEMENT: "Statement"}
assert set(SIDE_WORDS) == set(Side)


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """A candidate as the page shows it. `key` is the digit that chooses it."""

    candidate: Candidate
    facts: Facts
    reasons: Sequence[dict[str, str]]
    key: int
    chosen: bool

    @property
    def explains_all(self) -> bool:
        return self.candidate.remaining_minor == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestionRow:
    """A suggestion as the page shows it: its items as records, what it rests on in words, and what speaks against it."""

    suggestion: Suggestion
    items: Sequence[Facts]
    title: str
    words: str
    decided: str
    warning: str
    difference_minor: int

    @property
    def acceptable(self) -> bool:
        return self.suggestion.ways == 1 and self.difference_minor == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SideRow:
    """A population of more than two, with the records that it has of the matter and the break that holds each."""

    name: str
    held: Sequence[tuple[Facts, Break]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The comparison (rows are empty where there is nothing to compare with), the candidates, and the reason in words."""

    own: Facts
    left: Facts
    right: Facts | None
    left_word: str
    right_word: str
    rows: Sequence[FieldRow]
    with_candidate: bool
    candidates: Sequence[CandidateRow]
    pair: Candidate | None
    pair_reasons: Sequence[dict[str, str]]
    why: str
    answers: Sequence[Answer]
    cause: str
    suggestions: Sequence[SuggestionRow]
    method_word: str
    others: Sequence[Facts]
    sides: Sequence[SideRow]

    @property
    def together(self) -> Sequence[int]:
        """Return the items of more than two populations that a person could match as they stand: one of each."""
        whole = len(self.sides) > 0 and all(len(side.held) == 1 for side in self.sides)
        return [facts.item.pk for side in self.sides for facts, _ in side.held] if whole else []

    @property
    def differing(self) -> int:
        return sum(row.comparison.differs for row in self.rows)

    @property
    def chosen(self) -> CandidateRow | None:
        return next((row for row in self.candidates if row.chosen), None)

    @property
    def items(self) -> Sequence[Facts]:
        """Return every record shown, the compared ones first."""
        return [facts for facts in (self.left, self.right, *self.others) if facts is not None]

    @property
    def statement(self) -> Facts | None:
        """Return the statement's side of the comparison, whose raw line can be shown."""
        return next((facts for facts in (self.right, self.left) if facts is not None and facts.line is not None), None)


def evidence_of(recon_break: Break, *, chosen_id: str) -> Evidence:
    """Return what a break's page shows as evidence; `chosen_id` is the candidate's item id as the address has it, or empty."""
    if not recon_break.is_live:
        return _of_resolved(recon_break)
    around = break_queries.neighbourhood_of(recon_break)
    assert around is not None
    own, sides = around.own, side_queries.sides_of(recon_break)
    known = {item.pk for side in sides for item, _ in side.held}
    candidates = [one for one in break_queries.candidates_of(recon_break, around=around) if one.item.pk not in known]
    suggested = break_queries.suggestions_of(recon_break)
    shown = {item.pk: item for group in suggested for item in group.items}
    shown |= {item.pk: item for side in sides for item, _ in side.held}
    told = counted_facts([*own, *(candidate.item for candidate in candidates), *shown.values()])
    single = len(own) == 1
    # A pair is compared with itself; for a single side the best candidate stands in until another is chosen.
    chosen = next((candidate for candidate in candidates if str(candidate.item.pk) == chosen_id), None)
    if chosen is None and single and candidates:
        chosen = candidates[0]
    left, right = told[own[0].pk], told[own[1].pk] if not single else None
    if single and chosen is not None:
        left, right = _ledger_first(left, told[chosen.item.pk])
    pair = break_queries.pair_of(recon_break, around=around)
    asset = recon_break.reconciliation.source.asset
    gap = grouped(int(recon_break.difference_minor), scale=asset.scale, signed=True)
    return _evidence(
        recon_break,
        own=told[own[0].pk],
        left=left,
        right=right,
        with_candidate=single and chosen is not None,
        candidates=[
            CandidateRow(
                candidate=candidate,
                facts=told[candidate.item.pk],
                reasons=_reasons(candidate),
                key=number,
                chosen=candidate is chosen,
            )
            for number, candidate in enumerate(candidates, start=1)
        ],
        pair=pair,
        pair_reasons=_reasons(pair) if pair else [],
        why=side_queries.why_left_open(recon_break, around=around, gap=f"{gap} {asset.code}", sides=sides),
        sides=[SideRow(name=side.population.name, held=[(told[item.pk], held_by) for item, held_by in side.held]) for side in sides],
        cause=cause_in_words(recon_break.cause, money=lambda minor: f"{grouped(minor, scale=asset.scale)} {asset.code}"),
        suggestions=[_suggestion(group, told=told) for group in suggested],
        answers=break_queries.why_not_matched_by_pass(recon_break, around=around),
    )


def counted_facts(items: Sequence[Item]) -> dict[int, Facts]:
    """Return what each item's record says, its amount as it counts in this reconciliation: items come with their populations."""
    told = queries.facts_of_items(items)
    signs = {item.pk: item.population.sign for item in items}
    return {pk: facts if signs[pk] == 1 else replace(facts, amount_minor=-facts.amount_minor) for pk, facts in told.items()}


def _suggestion(group: SuggestedGroup, *, told: Mapping[int, Facts]) -> SuggestionRow:
    suggestion, says = group.suggestion, group.suggestion.explanation
    return SuggestionRow(
        suggestion=suggestion,
        items=[told[item.pk] for item in group.items],
        title=SUGGESTION_WORDS.get(suggestion.kind, "These may belong together"),
        words=suggestion_in_words(says),
        decided=group.decided.said,
        warning=warning_of(ways=suggestion.ways, explanation=says),
        difference_minor=break_queries.difference_between(group.items),
    )


def _of_resolved(recon_break: Break) -> Evidence:
    """Show the items of the match that explained the break: the two sides first, whatever else it took beside them."""
    assert recon_break.resolved_by is not None
    items: list[Item] = break_queries.items_of(recon_break.resolved_by)
    told = list(counted_facts(items).values())
    ledger = [facts for facts in told if facts.item.side == Side.LEDGER]
    statement = [facts for facts in told if facts.item.side == Side.STATEMENT]
    first, *rest = [*ledger[:1], *statement[:1], *ledger[1:], *statement[1:]]
    match = recon_break.resolved_by
    return _evidence(
        recon_break,
        own=first,
        left=first,
        right=rest[0] if rest else None,
        others=rest[1:],
        method_word=METHOD_WORDS[MatchMethod(match.method)],
        why=why_matched(explanation=match.explanation, made_by=match.made_by.shown_name if match.made_by else ""),
    )


def _evidence(recon_break: Break, *, left: Facts, right: Facts | None, **values: Any) -> Evidence:
    asset = recon_break.reconciliation.source.asset
    rows = compared(left, right, scale=asset.scale, asset=asset.code) if right is not None else []
    nothing: list[Any] = []
    defaults: dict[str, Any] = {"with_candidate": False, "candidates": nothing, "pair": None, "pair_reasons": nothing}
    defaults |= {"others": nothing, "method_word": "", "answers": nothing, "cause": "", "suggestions": nothing, "sides": nothing}
    return Evidence(
        left=left,
        right=right,
        left_word=SIDE_WORDS[Side(left.item.side)],
        right_word=SIDE_WORDS[Side(right.item.side)] if right else "",
        rows=rows,
        **{**defaults, **values},
    )


def _ledger_first(own: Facts, other: Facts) -> tuple[Facts, Facts]:
    return (other, own) if own.item.side == Side.STATEMENT and other.item.side == Side.LEDGER else (own, other)


def _reasons(candidate: Candidate) -> list[dict[str, str]]:
    """Return the steps of the waterfall: what each criterion adds to the odds, or takes from them."""
    return [{"verdict": VERDICT_WORDS[reason.verdict], "text": reason.said} for reason in candidate.reasons]
