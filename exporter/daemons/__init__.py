"""The daemons on the hosts (`xenhad`), as far as their control sockets can be reached from here."""
