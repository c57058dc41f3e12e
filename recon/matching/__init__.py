"""What can be said of items without the database: keys, comparisons, candidate scores. Plain Python."""
