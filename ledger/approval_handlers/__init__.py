"""Adapters from proposal kinds to this app's operations."""
