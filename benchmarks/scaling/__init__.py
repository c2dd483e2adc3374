"""Capacity on paper: what many services need, and how they behave, by figures that other benchmarks print."""
