"""Everything that Tessera counts and measures, in one place: names, units, help and the closed sets of label values.

In: facts, told by the pipeline, the worker, the providers' caller and the server through a `ledger.Ledger`; a registry, passed
in. Out: the text for Prometheus (`render`) and plain values for `/v1/stats` and the dashboard page (`snapshot`). Only `main`
builds one. Label values outside their set are a mistake in our own code and raise ValueError; nothing of a request becomes one.

Savings are net, and never overstated: every inference that is paid lowers them by one, every image that is answered raises them
by one. A counter cannot fall, so what was paid and has not been answered for is a debt, and answers pay it back before they
count: `inferences_saved_total` never exceeds answered - paid, and saved - debt is exactly that. The debt is a gauge of its own.
It holds what is under way, and what was paid in vain (retries, a halved sheet, a lapsed lease) until savings make up for it;
another process may never do that, so over several the exact saving is sum(saved) - sum(debt). The dollars work alike.
What is passed through, whole or as the rest of a mixed request, was never to be gridded: it is paid as it would have been
without us, counts among the inferences and the dollars, and neither raises nor lowers a saving.
"""

from prometheus_client.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE  # what `Metrics.render` gives

from app.metrics.making import new_registry
from app.metrics.metrics import Metrics

__all__ = ["CONTENT_TYPE", "Metrics", "new_registry"]
