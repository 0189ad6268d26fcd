"""Everything that can be asked of a server, declared once."""
