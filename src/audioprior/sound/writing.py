"""Files are written whole or not at all: beside their place, then renamed."""

import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import soundfile

from audioprior.errors import AudioError, SettingsError


@contextmanager
def replacing(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it over `path` when all is written.

    Raises:
        SettingsError: `path` exists and `force` is not set, or its folder does not exist.
        AudioError: writing failed; nothing is left behind.
    """
    check_writable(path, force=force)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        os.replace(beside, path)
        for left in path.parent.glob(f".{glob.escape(path.name)}.*.part"):  # by processes that were killed
            left.unlink(missing_ok=True)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
        raise AudioError(
            f"{path} cannot be written ({reason.strip().rstrip('.')}); check the disk and the folder."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path, *, force: bool) -> None:
    """Refuse early, before any work is done, what could not be written afterwards.

    Raises:
        SettingsError: `path` exists and `force` is not set, is a folder, or lies in no folder that can be written to.
    """
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; name a file.")
    if path.exists() and not force:
        raise SettingsError(f"{path} exists; use --force to replace it, or -o to name another file.")
    check_parent(path)


def check_parent(path: Path) -> None:
    """Refuse a path in whose folder nothing can be made.

    Raises:
        SettingsError: the folder does not exist, or may not be written to.
    """
    folder = path.parent
    if not folder.is_dir():
        raise SettingsError(f"the folder {folder} does not exist; create it first.")
    if not os.access(folder, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise SettingsError(f"the folder {folder} may not be written to; choose another with -o.")
