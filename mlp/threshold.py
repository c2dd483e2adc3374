"""The grey level between two classes of pixels."""

import numpy as np

from mlp.arrays import Float


def otsu(values: Float) -> float:
    """Give the threshold that splits values (n,) into the two classes farthest apart (Otsu 1979, equation 18).

    The least of them where all are alike.
    """
    least, most = np.float64(values.min()), np.float64(values.max())  # float32 has no room for bins in a small range
    counts, edges = np.histogram(values.astype(np.float64), 64, (least, most if most > least else least + 1))
    centres = (edges[1:] + edges[:-1]) / 2
    weight, total = np.cumsum(counts)[:-1], np.cumsum(counts * centres)
    product = weight * (len(values) - weight)
    between = (total[-1] * weight / len(values) - total[:-1]) ** 2 / np.maximum(product, 1) * (product > 0)
    if not between.any():
        return float(edges[0])
    # Between two classes far apart every threshold is as good: take the middle of them.
    best = np.flatnonzero(between >= between.max() * (1 - 1e-6))
    return float(edges[1 + (best[0] + best[-1]) // 2])
