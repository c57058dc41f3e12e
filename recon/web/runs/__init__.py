"""Reconciliation runs: their list, their progress, what came of them."""
