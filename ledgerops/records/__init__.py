"""Every table, read-only: Django's admin for engineers and auditors, through the same gates as the pages."""
