"""The doors by name, each in the file of its kind."""

from typing import Final

from fuzz.door import Door
from fuzz.doors import files, forms, numbers, pictures, requests

DOORS: Final[dict[str, Door]] = {
    **pictures.DOORS,
    **numbers.DOORS,
    **forms.DOORS,
    **files.DOORS,
    **requests.DOORS,
}
