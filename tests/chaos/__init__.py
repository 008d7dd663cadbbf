"""Breaks things under load and proves what the others had of it: `python -m tests.chaos`, or `make chaos`.

`stage` holds the processes, `timeline` says what is done to them and `playing` does it, `load` are the clients, `history` is
what happened to each request, `judge`, `money`, `recovery` and `report` what that means, `verdict` whether it may be so (these
five are pure, and have tests of their own), `telling` how it is told.
"""
