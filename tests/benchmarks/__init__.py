"""Measurements of a real server by a load from another process; not timed tests."""
