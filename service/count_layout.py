"""Where each count lies in the memory that service/counters.py writes, and what it means.

A count is a float of 64 bits: whole up to 2**53, and what Prometheus takes. Everything is bounded: the routes are the
app's, and what clients or the store could make more of gets one of a fixed number of rows (service/count_rows.py).
"""

from enum import IntEnum
from typing import Final

from service.shared import WORD

SECONDS: Final = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
"""Upper bounds of the histogram of durations: half a millisecond is one picture on an idle machine."""

CONFIDENCES: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 0.999, 1.0)
"""Upper bounds of the histogram of confidences, closest where most of them are."""

ROUTES: Final = 64
"""Routes that have a histogram of their own; the app has about thirty."""

REQUESTS: Final = 512
"""Rows for different route, method and status; row 0 is for what finds no other."""

REASONS: Final = 192
"""Reasons for a rejection, each a class of errors."""

PREDICTIONS: Final = 256
"""Rows for versions of models; row 0 is for what finds no other."""

VERSIONS: Final = 8
"""Rows of one model, before a version that nothing names any more makes room for a new one."""

CLASSES: Final = 128
"""Classes that are counted one by one; those behind them are counted together."""

LABELS_BYTES: Final = 2048
"""Room for the names of a version's classes."""

DURATION_WORDS: Final = len(SECONDS) + 2
"""The buckets, the last without an upper bound, then the sum."""


class Prediction(IntEnum):
    """Words of one worker for one version."""

    KEY = 0
    """Whose counts these are; unlike the rest an integer."""
    BATCHES = 1
    PREPARED = 2
    """Of these batches, those with pictures that were prepared."""
    PARSE = 3
    PREPARE = 4
    INFER = 5
    ANSWER = 6
    """Seconds in sum."""
    CONFIDENCE = 7
    """The sum."""
    LAST = 8
    """When a batch was last counted: milliseconds since 1970."""
    FAILED = 9
    """Requests that this version could not answer as they were."""
    FAILED_SECONDS = 10
    CORRECTED = 11
    """Corrections of its answers that were kept, and below, those that say it was right."""
    CONFIRMED = 12
    FIRST_BUCKET = 13
    """Of the histogram of confidences."""
    FIRST_CLASS = FIRST_BUCKET + len(CONFIDENCES) + 1
    """Of as many as there are, and one for those behind them."""


PREDICTION_WORDS: Final = Prediction.FIRST_CLASS + CLASSES + 1


class CountLayout:
    """The places for a number of workers: what is shared first, then a row of counts for each of them."""

    durations: Final = 0
    requests: Final = ROUTES * DURATION_WORDS
    reasons: Final = requests + REQUESTS
    predictions: Final = reasons + REASONS
    """Where each kind of counts begins in a row."""
    row_words: Final = predictions + PREDICTIONS * PREDICTION_WORDS

    def __init__(self, workers: int) -> None:
        self.workers = workers
        """Places for workers. One more is for a process that is none."""
        self.starts = 0
        """How often a worker has begun in each place."""
        self.added = self.starts + workers
        """When each worker has last begun to add up what it had noted: monotonic nanoseconds."""
        self.request_keys = self.added + workers + 1
        self.prediction_keys = self.request_keys + REQUESTS
        self.claimed = self.prediction_keys + PREDICTIONS
        """When each row of predictions was claimed: the number of claims before it."""
        self.claims = self.claimed + PREDICTIONS
        self._labels = self.claims + 1
        self.rows = self._labels + PREDICTIONS * LABELS_BYTES // WORD
        """The first word of all counts: a row for each place."""
        self.size = (self.rows + (workers + 1) * self.row_words) * WORD
        """In bytes."""

    def labels(self, row: int) -> int:
        """Give the text of the class names of a row of predictions, by its byte."""
        return self._labels * WORD + row * LABELS_BYTES

    def row(self, place: int) -> int:
        """Give the first word of a worker's counts."""
        return self.rows + place * self.row_words
