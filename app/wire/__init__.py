"""Dialects: what a client says and hears, as pure functions on plain values. `contract` says what one is."""
