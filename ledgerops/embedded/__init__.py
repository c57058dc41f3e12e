"""PostgreSQL and Valkey from their wheels, run as children of `manage.py up` and of the test suite. Linux only."""
