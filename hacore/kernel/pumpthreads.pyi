# Nothing for Python: the threads run without it.
