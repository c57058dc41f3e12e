"""Adapters from this app's own kinds of proposal to its operations."""
