"""What a client knows, as a pure reducer over what its server says."""
