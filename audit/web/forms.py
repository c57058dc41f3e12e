"""How the trail is searched."""

from django import forms

from audit.actions import catalogue
from audit.models import Outcome


class SearchForm(forms.Form):
    """Every field is part of the address; none is required."""

    q = forms.CharField(required=False, max_length=200)
    actor = forms.CharField(required=False, max_length=150)
    action = forms.ChoiceField(required=False)
    target = forms.CharField(required=False, max_length=170)
    outcome = forms.ChoiceField(required=False, choices=[("", ""), *Outcome.choices])
    since = forms.DateField(required=False)
    until = forms.DateField(required=False)

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        # The catalogue is complete once every app is ready, which is after this module is imported.
        self.fields["action"].choices = [("", ""), *((name, name) for name in catalogue())]  # type: ignore[attr-defined]
