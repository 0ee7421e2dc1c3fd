"""When restarts happen: from the failure of a host until its VMs serve again."""
