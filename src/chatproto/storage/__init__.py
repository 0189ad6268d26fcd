"""Where things are kept: SQLite, files, memory."""
