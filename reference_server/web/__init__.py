"""The doors of the server: HTTP, the socket, files."""
