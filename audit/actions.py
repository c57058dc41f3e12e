"""The catalogue of audit actions. An act whose name is not in it cannot be recorded, so cannot happen."""

_MEANINGS: dict[str, str] = {}


def register_actions(meanings: dict[str, str]) -> None:
    """Add actions, each `<app>.<object>.<past participle>` with the sentence an auditor reads."""
    for name, meaning in meanings.items():
        assert name.count(".") == 2, f"{name} is not <app>.<object>.<participle>"
        assert name not in _MEANINGS, f"{name} is registered twice"
        _MEANINGS[name] = meaning


def meaning_of(name: str) -> str:
    """Return what an action means.

    :raises KeyError: if nobody registered it.
    """
    return _MEANINGS[name]


def catalogue() -> dict[str, str]:
    """Return every action with its meaning, by name."""
    return dict(sorted(_MEANINGS.items()))
