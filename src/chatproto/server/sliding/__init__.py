"""Simplified sliding sync: what of a user's rooms a connection has been sent."""
