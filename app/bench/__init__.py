"""`tessera bench`: what a task costs here, measured through the real parts, beside what theory says it should."""
