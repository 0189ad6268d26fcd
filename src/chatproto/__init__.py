"""A Matrix-style chat protocol as a library."""
