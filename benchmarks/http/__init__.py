"""Side-by-side measurements of the service over HTTP."""

import os

# Before NumPy is imported: of two processes on two processors, none has a second one for BLAS.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
