"""The Open Inference Protocol, version 2, over REST, with Triton's extensions that have a meaning here.

A request's way: routes.py → message.py (JSON and binary tensors) → images.py (a tensor becomes pixels) →
service/inference.py → outputs.py (scores become tensors). The JSON objects are in schemas.py; docs/protocols.md says
what clients may rely on.
"""
