"""How breaks are resolved and treated: screens."""
