"""Azure AI Vision as a provider: Image Analysis 4.0, and 3.2 for what 4.0 lacks; an emulated one at another address.

The way of an image through this package, in order:

    asking     inquiry -> path and query
    client     path and query + image bytes -> raw answer (Microsoft's asynchronous client over this project's own transport)
    refusals   an answer that is not a success -> errors.Problem
    parse      an answer -> Reading (with `findings` and `trees` for what is inside)
    provider   all of these in order, and whole requests handed on untouched

The client is asked through its `send_request`, which adds ids and credentials as Microsoft does and leaves the answer alone:
its typed `analyze` would drop the body that the vendor wrote. It never tries again by itself, and what carries
its requests is `providers.transport`: azure-core's own does not say whether a request that failed had been sent whole, and so
may be billed.
"""

from app.providers.azure.provider import AzureProvider

__all__ = ["AzureProvider"]
