"""Labelled reconciliations: items with the truth of which belong together, generated from a seed or read from a file, and judged."""
