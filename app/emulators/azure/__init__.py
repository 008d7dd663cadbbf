"""The emulated Azure AI Vision. `build_app` is the way in; `service` shows the way of a request."""

from app.emulators.azure.app import build_app

__all__ = ["build_app"]
