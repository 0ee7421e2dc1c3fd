"""How many host failures a pool survives, and where its VMs go when hosts fail."""
