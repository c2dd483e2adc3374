"""How the service holds under load and faults: docs/reliability.md's figures. A room for each section of that page."""
