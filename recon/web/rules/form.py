"""The rules editor's form: every pass and tariff is a group of fields, in the order in which they stand; buttons move and remove them."""

import re
from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict

from ledgerops.lib import money
from recon.matching.rule_words import ATTRIBUTE_WORDS, KEY_WORDS, KIND_WORDS, REQUIREMENT_WORDS, in_words
from recon.matching.rules import DAYS_MAX, FIELDS, NEVER_AUTOMATIC, PASSES_MAX, TARIFFS_MAX, Rules, RulesRefused

# What a new pass starts with, by its kind.
STARTS: Mapping[str, Mapping[str, Any]] = {
    "attribute": {"attributes": ["counterparty"]},
    "block": {"attributes": ["counterparty"]},
    "tolerance": {"automatic": False, "requires": "key", "absolute_minor": 1},
    "subset": {"days": 5, "max_items": 12},
    "fuzzy": {"days": 5, "score_min": 85},
}
_NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")


class PassForm(forms.Form):
    """One pass; of the settings, those that its kind has."""

    id = forms.CharField(max_length=40, widget=forms.HiddenInput)
    kind = forms.ChoiceField(choices=list(KIND_WORDS.items()), widget=forms.HiddenInput)
    name = forms.CharField(max_length=80, label="Name", required=False)
    automatic = forms.BooleanField(label="Matches by itself", required=False)
    days = forms.IntegerField(label="Business days apart", required=False, min_value=0, max_value=DAYS_MAX)
    requires = forms.ChoiceField(label="Must agree besides", required=False, choices=list(REQUIREMENT_WORDS.items()))
    absolute_minor = forms.CharField(label="Amounts apart by at most", required=False, max_length=40)
    percent = forms.CharField(label="or by, in percent", required=False, max_length=12)
    max_items = forms.IntegerField(label="Items in a group", required=False, min_value=2, max_value=12)
    score_min = forms.IntegerField(label="How alike, of 100", required=False, min_value=0, max_value=100)
    keys = forms.MultipleChoiceField(
        label="References (any where none is ticked)", required=False, choices=list(KEY_WORDS.items()), widget=forms.CheckboxSelectMultiple
    )
    attributes = forms.MultipleChoiceField(
        label="Must be alike", required=False, choices=list(ATTRIBUTE_WORDS.items()), widget=forms.CheckboxSelectMultiple
    )
    tariffs = forms.MultipleChoiceField(label="Charges that may explain a difference", required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, data: Mapping[str, Any], *, number: int, tariffs: list[tuple[str, str]], scale: int) -> None:
        super().__init__(data, prefix=f"p{number}")
        self.number, self.scale, self.words, self.is_shown = number, scale, "", False
        self.chosen = str(data.get(f"p{number}-kind", ""))
        self.fields["tariffs"].choices = tariffs  # type: ignore[attr-defined]
        wanted = {"id", "kind", "name", "automatic", *FIELDS.get(self.chosen, ())}
        for name in list(self.fields):
            if name not in wanted or (name == "automatic" and self.chosen in NEVER_AUTOMATIC):
                del self.fields[name]

    @property
    def kind_word(self) -> str:
        return KIND_WORDS.get(self.chosen, "Unknown kind")

    @property
    def shown_name(self) -> str:
        return str(self.data.get(f"{self.prefix}-name") or self.kind_word)

    @property
    def plain_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name not in ("id", "kind", "keys", "attributes", "tariffs", "automatic")]

    @property
    def choices_fields(self) -> list[forms.BoundField]:
        return [self[name] for name in ("keys", "attributes", "tariffs") if name in self.fields and self.fields[name].choices]  # type: ignore[attr-defined]

    def clean_absolute_minor(self) -> int:
        text: str = self.cleaned_data["absolute_minor"]
        try:
            return money.minor_from_text(text, scale=self.scale, field="absolute_minor") if text.strip() else 0
        except money.AmountRefused as refusal:
            raise forms.ValidationError(f"{str(refusal).capitalize()}.") from refusal

    def definition(self) -> dict[str, Any]:
        """Return what was said as a pass of a definition; what was not said is left out."""
        said = {name: value for name, value in self.cleaned_data.items() if value is not None}
        said["automatic"] = said.get("automatic", False)
        if "percent" in said:
            said["percent"] = said["percent"].strip() or "0"
        said["name"] = said.get("name", "").strip() or self.kind_word
        return said


class TariffForm(forms.Form):
    """A charge that a servicer takes of an amount."""

    code = forms.CharField(max_length=40, label="Code", required=False)
    name = forms.CharField(max_length=80, label="Name", required=False)
    percent = forms.CharField(max_length=12, label="Percent of the amount", required=False)
    fixed_minor = forms.CharField(max_length=40, label="Fixed, each", required=False)

    def __init__(self, data: Mapping[str, Any], *, number: int, scale: int) -> None:
        super().__init__(data, prefix=f"t{number}")
        self.number, self.scale = number, scale

    def clean_fixed_minor(self) -> int:
        text: str = self.cleaned_data["fixed_minor"]
        try:
            return money.minor_from_text(text, scale=self.scale, field="fixed_minor") if text.strip() else 0
        except money.AmountRefused as refusal:
            raise forms.ValidationError(f"{str(refusal).capitalize()}.") from refusal

    def definition(self) -> dict[str, Any]:
        """Return what was said as a tariff of a definition."""
        said = dict(self.cleaned_data)
        return {**said, "percent": said["percent"].strip() or "0"}


class RulesForm:
    """All passes and tariffs that a page sent or a definition holds. `pressed` does what a button beside them asks."""

    def __init__(self, data: QueryDict, *, scale: int) -> None:
        self.scale = scale
        self.note = data.get("note", "")[:500]
        self.tariffs = [TariffForm(data, number=number, scale=scale) for number in range(many(data, "tariffs", TARIFFS_MAX))]
        codes = [(code, data.get(f"t{one.number}-name") or code) for one in self.tariffs if (code := data.get(f"t{one.number}-code"))]
        self.passes = [PassForm(data, number=n, tariffs=codes, scale=scale) for n in range(many(data, "passes", PASSES_MAX))]

    def is_valid(self) -> bool:
        """Return whether every field holds something of its kind; each is asked, so that all errors show."""
        return not [one for one in (*self.passes, *self.tariffs) if not one.is_valid()]

    def definition(self) -> dict[str, Any]:
        """Return the definition that was said, once every field is valid."""
        return {"passes": [one.definition() for one in self.passes], "tariffs": [one.definition() for one in self.tariffs]}

    def say_in_words(self, *, asset: str) -> None:
        """Give each pass its sentence, as far as all of them are rules."""
        try:
            rules = Rules.from_json(self.definition()) if self.is_valid() else None
        except RulesRefused:
            rules = None
        for form, one in zip(self.passes, rules.passes if rules else (), strict=False):
            form.words = in_words(one, tariffs=rules.tariffs if rules else (), scale=self.scale, asset=asset)

    def show_what_differs(self, other: "RulesForm") -> None:
        """Unfold the passes that another form does not hold just so."""
        known = [one.definition() for one in other.passes if one.is_valid()]
        for one in self.passes:
            one.is_shown = not one.is_valid() or one.definition() not in known

    def point_at(self, path: str | None, sentence: str) -> bool:
        """Show a refusal at the field that its path names; false where no field of the page is it."""
        found = re.fullmatch(r"(passes|tariffs)\.(\d+)\.(\w+)(?:\.\d+)?", path or "")
        if found is None:
            return False
        forms_of = self.passes if found[1] == "passes" else self.tariffs
        if int(found[2]) >= len(forms_of):
            return False
        form = forms_of[int(found[2])]
        form.add_error(found[3] if found[3] in form.fields else None, sentence)
        return True


def many(data: QueryDict, name: str, most: int) -> int:
    """Return how many passes or tariffs a page sent."""
    text = data.get(name, "0")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 4 else 0


def data_of(definition: Mapping[str, Any], *, scale: int, note: str = "") -> QueryDict:
    """Return a definition as the page sends it."""
    data = QueryDict(mutable=True)
    data["note"] = note
    data["passes"], data["tariffs"] = str(len(definition["passes"])), str(len(definition["tariffs"]))
    for number, one in enumerate(definition["passes"]):
        _put(data, f"p{number}", one, scale=scale)
    for number, one in enumerate(definition["tariffs"]):
        _put(data, f"t{number}", one, scale=scale)
    return data


def _put(data: QueryDict, prefix: str, values: Mapping[str, Any], *, scale: int) -> None:
    for name, value in values.items():
        if isinstance(value, list):
            data.setlist(f"{prefix}-{name}", value)
        elif isinstance(value, bool):
            if value:
                data[f"{prefix}-{name}"] = "on"
        elif name.endswith("_minor"):
            data[f"{prefix}-{name}"] = money.plain(int(value), scale=scale) if value else ""
        elif not (name == "percent" and value == "0"):
            data[f"{prefix}-{name}"] = str(value)


def pressed(data: QueryDict, *, scale: int) -> QueryDict:
    """Return what a page sent after the button that was pressed: add, remove, up or down, of a pass or a tariff."""
    what, _, value = data.get("act", "").partition(":")
    changed = data.copy()
    if what == "add" and value in FIELDS:
        _append(
            changed, "p", "passes", {"id": _free_id(data, value), "kind": value, "name": KIND_WORDS[value], **_start(value)}, scale=scale
        )
    elif what == "add_tariff":
        number = many(data, "tariffs", TARIFFS_MAX) + 1
        _append(changed, "t", "tariffs", {"code": f"FEE-{number}", "name": "Charge", "percent": "0", "fixed_minor": 0}, scale=scale)
    elif value.isascii() and value.isdigit() and len(value) < 4:
        prefix, count = ("t", "tariffs") if what == "remove_tariff" else ("p", "passes")
        total, place = many(data, count, TARIFFS_MAX), int(value)
        order = list(range(total))
        if what in ("remove", "remove_tariff") and place < total:
            order.remove(place)
        elif (what == "up" and 0 < place < total) or (what == "down" and place + 1 < total):
            other = place - 1 if what == "up" else place + 1
            order[place], order[other] = order[other], order[place]
        _reorder(changed, data, prefix, count, order)
    return changed


def with_pass(data: QueryDict, values: Mapping[str, Any], *, scale: int, first: bool = False) -> None:
    """Add a pass to what a page sends, after the others or before those that only suggest."""
    _append(data, "p", "passes", {"id": _free_id(data, str(values["kind"])), **values}, scale=scale)
    if first:
        total = many(data, "passes", PASSES_MAX)
        suggesting = [n for n in range(total - 1) if data.get(f"p{n}-kind") in NEVER_AUTOMATIC]
        place = suggesting[0] if suggesting else total - 1
        _reorder(data, data.copy(), "p", "passes", [*range(place), total - 1, *range(place, total - 1)])


def with_tariff(data: QueryDict, values: Mapping[str, Any], *, scale: int) -> None:
    """Add a tariff to what a page sends."""
    _append(data, "t", "tariffs", values, scale=scale)


def _start(kind: str) -> dict[str, Any]:
    return {"automatic": kind not in NEVER_AUTOMATIC, "days": 2, **STARTS.get(kind, {})}


def _append(data: QueryDict, prefix: str, count: str, values: Mapping[str, Any], *, scale: int) -> None:
    number = many(data, count, TARIFFS_MAX)
    _put(data, f"{prefix}{number}", values, scale=scale)
    data[count] = str(number + 1)


def _reorder(changed: QueryDict, data: QueryDict, prefix: str, count: str, order: list[int]) -> None:
    ours = re.compile(rf"{prefix}(\d+)-(.+)")
    for name in list(changed):
        if ours.fullmatch(name):
            del changed[name]
    for place, number in enumerate(order):
        for name in data:
            found = ours.fullmatch(name)
            if found and int(found[1]) == number:
                changed.setlist(f"{prefix}{place}-{found[2]}", data.getlist(name))
    changed[count] = str(len(order))


def _free_id(data: QueryDict, kind: str) -> str:
    taken = {data.get(f"p{n}-id") for n in range(many(data, "passes", PASSES_MAX))}
    base = _NOT_IN_AN_ID.sub("-", kind.lower())
    return next(name for name in (base, *(f"{base}-{n}" for n in range(2, PASSES_MAX + 3))) if name not in taken)
