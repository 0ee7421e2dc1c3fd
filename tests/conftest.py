"""Every run is alike: property tests draw the same examples everywhere, and Ctrl-C means what it should.

`make properties` draws others (`--hypothesis-profile=random`); what it finds is a bug and becomes a test of
its own. A test says by itself only how many examples it wants.
"""

from __future__ import annotations

import signal

from hypothesis import HealthCheck, settings

FIXED = settings(
    derandomize=True,
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)

settings.register_profile("fixed", FIXED)
settings.register_profile("random", FIXED, derandomize=False, max_examples=1_000)
settings.load_profile("fixed")

# In the background of a script it is ignored, and programs that tests start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
