"""Accounts at the end of a day."""
