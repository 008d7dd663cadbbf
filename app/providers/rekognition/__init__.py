"""Amazon Rekognition as a provider; a server that speaks its protocol (the emulator) is the same provider at another address.

The way of an image through this package, in order:

    asking      inquiry + image bytes -> JSON request body
    signing     request -> signed request (credentials, region, endpoint: botocore)
    transport   (beside this package) signed request -> raw answer (connections, time-outs: httpx)
    refusals    an answer that is not a success -> errors.Problem
    parse       an answer -> Reading (with `trees` for the geometry inside)
    provider    all of these in order, and whole requests handed on untouched

Why not boto3's own client: its parser drops every field that the installed service model does not know, and a client with
a newer SDK would lose fields that its own boto3 would have shown; it is synchronous, one thread per sheet in flight; and
requests that are only handed on must stay byte for byte what they were. What boto3 is good at (finding credentials and
refreshing them, regions, endpoints, SigV4) is taken from its core, botocore.
"""

from app.providers.rekognition.provider import RekognitionProvider

__all__ = ["RekognitionProvider"]
