"""`tessera calibrate` put together, task by task. A composition root, called by `cli`."""
