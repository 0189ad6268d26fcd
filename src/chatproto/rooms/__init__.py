"""The rules of rooms: pure, and the same on every server."""
