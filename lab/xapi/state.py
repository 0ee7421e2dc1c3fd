"""What a test or a drill may do to a running simulated pool without going through the API."""

from __future__ import annotations

from lab.xapi import faults, ha
from lab.xapi.database import Database
from lab.xapi.world import Lab


class State:
    """The inside of a running server: its database, and the faults of `lab.xapi.faults`."""

    def __init__(self, lab: Lab, monitor: ha.Monitor) -> None:
        self._lab = lab
        self._monitor = monitor

    @property
    def db(self) -> Database:
        """The database itself."""
        return self._lab.db

    def settle(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until xapi's own HA fields are up to date; tell whether they are."""
        return self._monitor.settle(timeout_seconds)

    def wait_for_poll(self, timeout_seconds: float = 30.0) -> bool:
        """Wait until some client waits in event.from or event.next; tell whether one does."""
        with self._lab.poll_waits:
            return self._lab.poll_waits.wait_for(lambda: self._lab.polls_waiting > 0, timeout_seconds)

    def kill_host(self, host: str, *, reset_vms: bool = True) -> None:
        """Let a host die (reference, uuid or name)."""
        faults.kill_host(self.db, host, self._lab.now(), reset_vms=reset_vms)
        self._monitor.wake()

    def revive_host(self, host: str) -> None:
        """Let a dead host come back, enabled and empty."""
        faults.revive_host(self.db, host, self._lab.now())
        self._monitor.wake()

    def expire_sessions(self) -> int:
        """End every session; return how many there were."""
        return faults.expire_sessions(self.db)

    def drop_records(self, fraction: float, seed: int, *, class_name: str = "VM") -> list[str]:
        """Remove this share of a class without cleaning up; return the uuids."""
        dropped = faults.drop_records(self.db, fraction, seed, class_name=class_name)
        self._monitor.wake()
        return dropped

    def corrupt(self, class_name: str, object_name: str, field: str, *, missing: bool = False) -> None:
        """Damage one field of one record."""
        faults.corrupt(self.db, class_name, object_name, field, missing=missing)
        self._monitor.wake()

    def flood(self, events: int) -> None:
        """Make this many events that change nothing."""
        faults.flood(self.db, events)

    def lose_pbd(self, pbd: str) -> None:
        """Let a host lose an SR, whatever HA thinks of it."""
        faults.lose_pbd(self.db, pbd)
        self._monitor.wake()
