"""What can be wrong with a picture, an array, a version file or a store. HTTP knows these; these know no HTTP.

MlpError
├── PictureError            a picture that cannot be read or has nothing to read in it
│   ├── NotAPicture
│   ├── TruncatedPicture
│   ├── PictureTooLarge
│   ├── WrongPictureSize
│   └── NoInk
├── ArrayError              numbers that are not a batch of pictures
│   ├── MalformedNpy
│   ├── WrongShape
│   └── ValueOutOfRange
├── VersionFileError        a version file that must not be served
└── StoreError
    ├── ModelNotFound
    ├── VersionNotFound
    ├── NothingToRollBack
    ├── InvalidChange
    ├── OtherClasses
    ├── GenerationMoved
    ├── VersionInUse
    ├── AliasDocumentError
    ├── StoreUnavailable
    ├── InvalidLocation
    └── CorrectionsError    corrections that cannot be kept or read
        ├── CorrectionsUnavailable
        ├── TooManyCorrections
        └── CorrectionsFull
"""


class MlpError(Exception):
    """What every error of this package is; its text is a sentence for the person who caused it.

    `inside` has what is for who runs the program and not for its clients: paths, addresses, another program's words.
    """

    def __init__(self, said: object = "", *, inside: str = "") -> None:
        super().__init__(said)
        self.inside = inside


class PictureError(MlpError):
    """A picture that cannot be read, or that has nothing to read in it."""


class NotAPicture(PictureError):
    """The bytes are in none of the picture formats that are read here, or are damaged beyond reading."""


class TruncatedPicture(PictureError):
    """The picture's data ends before the picture does."""


class PictureTooLarge(PictureError):
    """The picture has more pixels than the limit; it was not decoded."""


class WrongPictureSize(PictureError):
    """The picture was to be taken as it is, and has not the network's height and width."""


class NoInk(PictureError):
    """The picture is empty: one even ground, with nothing drawn on it."""


class ArrayError(MlpError):
    """Numbers that are not a batch of pictures."""


class MalformedNpy(ArrayError):
    """The bytes are not one whole .npy array of numbers."""


class WrongShape(ArrayError):
    """The number of values or their arrangement does not fit the network's input."""


class ValueOutOfRange(ArrayError):
    """A value is no number, not finite, or outside what a pixel can be."""

    def __init__(self, message: str, index: int | None = None) -> None:
        self.index = index
        """Of the picture that has it, where there are several."""
        super().__init__(message)


class VersionFileError(MlpError):
    """A version file that is damaged, inconsistent, too large, or does not compute what it says it computes."""


class StoreError(MlpError):
    """The model store does not have what was asked for, or cannot do it."""


class ModelNotFound(StoreError):
    """No model of that name."""


class VersionNotFound(StoreError):
    """No version of that number, or no such alias."""


class NothingToRollBack(StoreError):
    """The alias has no previous version to go back to."""


class InvalidChange(StoreError):
    """The alias document cannot be changed so: no alias's name, shares over 1, no version of that alias."""


class OtherClasses(StoreError):
    """The version answers with other classes than the one in production does, and was not forced on it."""


class GenerationMoved(StoreError):
    """Someone else has changed the alias document since it was looked at."""


class VersionInUse(StoreError):
    """An alias names the version, or a rollback would go to it, so it cannot be deleted."""


class AliasDocumentError(StoreError):
    """The alias document is not valid JSON of the documented form."""


class StoreUnavailable(StoreError):
    """The store cannot be read or written: the disk is full, a permission is missing, the folder is gone."""


class InvalidLocation(StoreError):
    """No store is opened by that name, or what it takes to open it is not installed."""


class CorrectionsError(StoreError):
    """Corrections cannot be kept, or what was kept cannot be read."""


class CorrectionsUnavailable(CorrectionsError):
    """The database cannot be reached, read or written, or nothing has been kept in it yet."""


class TooManyCorrections(CorrectionsError):
    """More corrections within a minute than are kept."""


class CorrectionsFull(CorrectionsError):
    """As many corrections as may be kept are there already."""


def in_full(error: Exception) -> str:
    """Give an error's text with what is not for clients."""
    inside = getattr(error, "inside", "")
    return f"{error} ({inside})" if inside else str(error)
