"""The service's OpenAPI document: what every route takes and answers, from the pydantic models that validate it.

A route's declaration stands at the route (operation.py); what it answers that no model makes is described in
answers.py, errors in failures.py, and what many routes have in common in parts.py, bodies.py and examples.py.
document.py makes one document of all, and routes.py serves it, with a page that shows it.
"""
