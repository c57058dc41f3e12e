"""Reconciliations on screen."""
