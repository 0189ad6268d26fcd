"""A server without sockets, to be embedded: calls in, answers and news out."""
