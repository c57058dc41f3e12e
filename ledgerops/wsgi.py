"""The WSGI application."""

import gc
import os
from importlib import import_module

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledgerops.settings")

application = get_wsgi_application()
# Every view is loaded before the first request, and shared by the workers that are forked from here. None of it ever becomes garbage, so
# collections need not look through it again and again.
import_module(settings.ROOT_URLCONF)
gc.collect()
gc.freeze()
