"""`tessera simulate`: what a window and a layout would save on the operator's own arrivals, before anything is paid."""
