"""The shell: sockets, disk, watchdog, control and the one loop. Carries effects out, decides nothing."""
