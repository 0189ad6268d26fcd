"""The server's own modules, which get what a stranger's module gets."""
