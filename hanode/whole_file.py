"""Files that are there as a whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable


def write(path: str, pieces: Iterable[str], mode: int) -> None:
    """Replace the file C{path}, of this C{mode}; who reads it reads the old or the new.

    A link of that name is replaced, and not followed: the directory may be one where
    everybody may write. Raises L{OSError}, and then nothing has changed.
    """
    folder, name = os.path.split(path)
    descriptor, new = tempfile.mkstemp(prefix=f".{name}.", dir=folder)
    try:
        with open(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
            file.writelines(pieces)
            file.flush()
            os.fchmod(descriptor, mode)
            os.fsync(descriptor)
        os.rename(new, path)
    except BaseException:
        os.unlink(new)
        raise
