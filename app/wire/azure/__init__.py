"""The Azure endpoint: Image Analysis 4.0 and the older 3.2, two dialects of one vendor. Facts: Microsoft's REST reference.

dialect     read, write, write_calls, refuse: the way of a request
api         what one of the two APIs is: a row of facts and functions
analysis40  Image Analysis 4.0: its query, its members
analysis32  version 3.2: its query, its members
query       checked reading of a query's parameters, and writing it anew
bodies      content type and body -> image
splitting   which features share a sheet, which go with the rest, and whether the request goes whole
findings    findings -> objects, people, faces, brands
lines       words -> the lines of a readResult
tags        labels of a whole image -> tags
moderation  unsafe content -> adult, racy and gory
geometry    ratios -> whole pixels of the client's own image
joining     all answers about one image, and the rest -> one body
refusals    errors.Kind -> the vendor's error envelopes
"""

from app.wire.azure.dialect import AzureDialect, AzureDialects, azure_dialects
from app.wire.azure.splitting import AzureOptions, OwnProvider

__all__ = ["AzureDialect", "AzureDialects", "AzureOptions", "OwnProvider", "azure_dialects"]
