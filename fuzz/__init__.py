"""Bytes that a stranger may send, made by machine, on every parser that they reach; and attacks made by hand.

python -m fuzz tries a machine's bytes, python -m fuzz.attacks measures what each attack costs a real server.
docs/hostile.md says what came of it.
"""
