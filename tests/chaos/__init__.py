"""Breaks things under load and proves what the others had of it: `python -m tests.chaos`, or `make chaos`.

`stage` holds the processes, `timeline` says what is done to them and `playing` does it, `load` are the clients, `history` is
what happened to each request, `judge`, `money` and `recovery` what that means (all three pure, with tests of their own),
`report` and `telling` how it is told.
"""
