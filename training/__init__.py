"""Offline: from a data set to a version in the store. Start at `run.py`, or run `python -m training --help`."""
