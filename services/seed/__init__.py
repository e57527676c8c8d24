"""The demo brand: a shop to look at before there is one.

`plant` writes it once; where it stands already, whatever has become of it, nothing is touched.
`pictures` and `pages` are its files, drawn here and kept wherever media are served from.
"""

from services.seed.files import pages, pictures
from services.seed.planting import plant

__all__ = ["pages", "pictures", "plant"]
