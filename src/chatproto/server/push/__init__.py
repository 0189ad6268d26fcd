"""Telling push gateways of what notifies."""
