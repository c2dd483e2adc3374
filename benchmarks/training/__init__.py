"""How fast networks are trained here, beside other libraries on the same shapes: docs/training-speed.md."""
