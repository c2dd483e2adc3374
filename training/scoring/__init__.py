"""Scoring more pictures than memory holds: a source becomes shards, each of them a job that writes one Parquet file.

What there is to score: source.py, read by local.py, archive.py, prefix.py and arrays.py. What is to be done: items.py
cuts it into shards, plan.py holds on to them. A job: shard.py, its file table.py. Where files go: output.py. What all
of them say together: summary.py.
"""
