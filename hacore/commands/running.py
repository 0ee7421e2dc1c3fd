"""`xenhad run` and `xenhad check-config`."""

from __future__ import annotations

import os
from argparse import Namespace

from hacore.clock import SystemClock
from hacore.edge.handover import inherited, ping


def run(chosen: Namespace) -> int:
    """Run the daemon, in a predecessor's place if there is one."""
    left = inherited(os.environ)
    if left is not None:
        ping(left, SystemClock())
    from hacore.configfile import load_config

    config = load_config(chosen.config, lab=chosen.lab, no_fencing=chosen.no_fencing)
    from hacore.edge import start

    return start.run(config, left)


def check_config(chosen: Namespace) -> int:
    """Print what a configuration means, interval by interval."""
    from hacore.configfile import load_config
    from hacore.core.inequalities import seconds
    from hacore.core.worked import WORDS

    config = load_config(chosen.file, lab=chosen.lab, no_fencing=chosen.no_fencing)
    print(f"{chosen.file}: can be used. This is {config.me.name}, host {config.host} of {len(config.hosts)}.")
    for word, field, use in WORDS:
        print(f"  {word:<12} {seconds(getattr(config.timing, field)):>8} s  {use}")
    return 0
