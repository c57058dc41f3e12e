"""The project: settings, the composition root, and what runs it."""

from ledgerops.celery import app as celery_app

__all__ = ["celery_app"]
