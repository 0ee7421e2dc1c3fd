"""The watchdog door against real watchdog drivers: a virtual machine that really reboots. `make watchdog`."""
