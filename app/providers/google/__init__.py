"""Google Cloud Vision as a provider; a server that speaks its protocol (the emulator) is the same provider at another address.

The way of an image through this package, in order:

    asking       inquiry + image bytes -> request message
    identity     the operator's API key or access token, as headers
    channels     request message -> answer message (connections: grpc; the call: google-cloud-vision's asynchronous client)
    refusals     an error of the call or of its one image -> errors.Problem
    parse        an answer -> Reading (`findings` and `words`, with `trees` for the geometry inside)
    forwarding   whole requests of the REST API, to be handed on untouched
    provider     all of these in order
"""

from app.providers.google.provider import GoogleProvider

__all__ = ["GoogleProvider"]
