"""Commands of `python -m training`, one a module, named after it; they are registered in training/cli.py."""
