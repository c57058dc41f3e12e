"""Benchmarks: ratios taken in one run on one machine, against a floor on the same server with durable settings."""
