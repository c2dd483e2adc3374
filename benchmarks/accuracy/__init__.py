"""How many pictures of many kinds a running service reads right: `python -m benchmarks.accuracy`, docs/accuracy.md."""
