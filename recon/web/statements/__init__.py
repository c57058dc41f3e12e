"""What sources delivered: feeds, files, statements and their lines."""
