"""Requests made to cost a server more than they cost who sends them, and what each of them does cost it.

python -m fuzz.attacks prints the table of docs/hostile.md; tests/live/test_attacks.py is its short form.
"""
