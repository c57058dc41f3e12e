"""Pages of sources: what each delivers, when it is due, how its files are read."""
