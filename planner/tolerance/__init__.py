"""How many failures a pool survives, with proof (TOLERANCE §1–§6). `answer.tolerance` is the door."""
