"""Tessera: several clients' images, one paid inference, everyone's own boxes back."""

__version__ = "0.1.0"
