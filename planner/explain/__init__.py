"""Why a pool survives no more than it does: which hosts, which VMs, how many GiB, and what xapi sees."""
