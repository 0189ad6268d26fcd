"""Between bytes and operations: frames, routes, documents; no I/O."""
