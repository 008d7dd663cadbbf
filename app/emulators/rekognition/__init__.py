"""The emulated Amazon Rekognition. `build_app` is the way in; `service` shows the way of a request."""

from app.emulators.rekognition.app import build_app

__all__ = ["build_app"]
