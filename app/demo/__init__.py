"""`tessera demo`: the whole product at work on one machine, checked against a known truth."""
