"""The emulated Google Cloud Vision, v1. `build_app` is the way in; `service` shows the way of a call, whoever carries it."""

from app.emulators.google.app import build_app

__all__ = ["build_app"]
