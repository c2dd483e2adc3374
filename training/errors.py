"""Everything that can be wrong with data, a recipe or a run; what both sides share is in mlp/errors.py.

TrainingError
├── DataError               a data set that cannot be read, or is not one
│   ├── MalformedIdx
│   ├── MalformedNpz
│   └── DownloadError
├── RecipeError             settings of a run that do not fit together
├── StartRefused            a version that a run by this recipe cannot go on from
├── FeedbackError           corrections that cannot be learnt from, or by which nothing can be told
├── CheckpointError         a run's saved state that cannot be read or written, or is another run's
├── ImportRefused           a network of another library that cannot become a version
├── ExportRefused           a version that cannot become a file of another kind
├── ReportError             a report that cannot be written
├── SweepError              a search that cannot be made, or a journal that cannot be gone on with
├── ScoringError            scores that cannot be written, or are those of another run
├── NotFollowed             a running service that does not do what the store says
├── ClusterError            a cluster that cannot be reached, or is gone
├── Diverged                a run whose numbers are no longer finite
└── WorkerLost              a process of a run that has died
"""

from mlp.errors import MlpError


class TrainingError(MlpError):
    """What every error of this package is; its text is a sentence for the person who caused it."""


class DataError(TrainingError):
    """A data set that cannot be found, cannot be read, contradicts itself, or has too few examples."""


class MalformedIdx(DataError):
    """The file is not one whole IDX array of the expected kind."""


class MalformedNpz(DataError):
    """The file is not an .npz of pictures and labels."""


class DownloadError(DataError):
    """A file could not be fetched, or what came is not that file; nothing was kept."""


class RecipeError(TrainingError):
    """A recipe that does not exist, cannot be read, or whose settings do not fit together."""


class StartRefused(TrainingError):
    """A version of another shape than the recipe's, or one of whose training too little is known."""


class FeedbackError(TrainingError):
    """There are no corrections, none that fit, or none that can tell whether a version has learnt from them."""


class Diverged(TrainingError):
    """The loss or the weights are no longer finite."""


class ImportRefused(TrainingError):
    """A file that is not a trained network of the kinds that are known, or one that a version cannot hold."""


class ExportRefused(TrainingError):
    """A version that cannot be written as a model of another kind, or would not answer the same there."""


class CheckpointError(TrainingError):
    """The saved state of a run cannot be read or written, or is that of another run."""


class SweepError(TrainingError):
    """What is to be searched is no field or no range, or the journal is unreadable, in use, or of another sweep."""


class ScoringError(TrainingError):
    """The place for scores cannot be used, is in use, or has those of another version, source or plan."""


class NotFollowed(TrainingError):
    """No service answers, it is over another store, or it refuses what the store says."""


class ClusterError(TrainingError):
    """No Dask cluster answers, it has no workers, or it has gone in mid-run."""


class WorkerLost(TrainingError):
    """A process that took part in a run has died, so the run cannot go on."""


class ReportError(TrainingError):
    """A report that cannot be written, or must not replace another."""
