"""The command line, `xenhad`: every command is a thin function of another module (DESIGN §5.6)."""

from __future__ import annotations

from hacore.commands import main

if __name__ == "__main__":
    raise SystemExit(main())
