"""What training and the service must agree on, or predictions would change silently.

Notation, here and everywhere: n examples, d features, c classes; z is a layer's pre-activation and a its activation,
delta the error term dL/dz. Arrays are float32 from the first to the last unless a line says why not.
"""
