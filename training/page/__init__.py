"""The HTML report of a version: one file that needs nothing else. The text tables are in training/report.py."""
