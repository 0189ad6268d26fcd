"""The reference server: a thin shell around chatproto's engine."""
