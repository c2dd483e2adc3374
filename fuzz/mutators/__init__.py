"""How bytes are changed: `plain` knows nothing of them, the other files keep the form that a parser looks for."""
