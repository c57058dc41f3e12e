"""Writers of statement files, one for each format that is read."""
