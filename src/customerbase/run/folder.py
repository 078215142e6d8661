"""A run's folder: built aside, moved into place at once, never two runs in one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from ..errors import Refusal
from ..project import LATEST

BUILDING = ".building-"


class RunFolder:
    """The folder of one run while it is being built.

    Attributes
    ----------
    run_id : str
        The time it started, in UTC, and a number where two runs start in one second.
    path : Path
        Where it is built; `publish` and `set_aside` move it.
    """

    def __init__(self, base_folder: Path, run_id: str) -> None:
        self.base_folder = base_folder
        self.run_id = run_id
        self.path = base_folder / f"{BUILDING}{run_id}"
        for part in ("chapters", "notebooks", "tables", "lists", "findings"):
            (self.path / part).mkdir()

    def publish(self) -> Path:
        """Move the finished run into place, and point ``latest`` to it."""
        final = self._move_to(self.run_id)
        self._point_to(final)
        return final

    def _point_to(self, final: Path) -> None:
        pointer, latest = self.base_folder / f".{LATEST}-{self.run_id}", self.base_folder / LATEST
        try:
            pointer.symlink_to(final.name, target_is_directory=True)
            pointer.replace(latest)
        except OSError:
            # Windows lets only some users make links, and none replaces a folder
            pointer.unlink(missing_ok=True)
            latest.with_suffix(".txt").write_text(f"{final.name}\n", encoding="utf-8")

    def set_aside(self, outcome: str) -> Path:
        """Keep a run that did not succeed under a name that says so."""
        return self._move_to(f"{self.run_id}-{outcome}")

    def _move_to(self, name: str) -> Path:
        self.path = self.path.rename(self.base_folder / name)
        return self.path


@contextmanager
def new_run_folder(base_folder: Path) -> Iterator[RunFolder]:
    """Make the folder that a run is built in; whatever ends the run early sets it aside as interrupted.

    Raises
    ------
    Refusal
        When no folder can be made there.
    """
    try:
        base_folder.mkdir(parents=True, exist_ok=True)
        _set_aside_abandoned(base_folder)
        run_id, lock = _reserve(base_folder)
    except OSError as reason:
        raise Refusal(f"--out: {base_folder} can't be written to: {reason.strerror}.") from None
    try:
        folder = RunFolder(base_folder, run_id)
        yield folder
    finally:
        if (base_folder / f"{BUILDING}{run_id}").exists():
            folder.set_aside("interrupted")
        _release(lock)


def _reserve(base_folder: Path) -> tuple[str, FileLock]:
    started = datetime.now(UTC).strftime("%Y-%m-%dT%H-%M-%SZ")
    attempt = 1
    while True:
        run_id = started if attempt == 1 else f"{started}-{attempt}"
        lock = _lock_of(base_folder, run_id)
        with suppress(Timeout, FileExistsError):
            lock.acquire(blocking=False)
            taken = any(base_folder.glob(f"{run_id}*"))
            if not taken:
                (base_folder / f"{BUILDING}{run_id}").mkdir()
                return run_id, lock
            _release(lock)
        attempt += 1


def _set_aside_abandoned(base_folder: Path) -> None:
    """Name the folders of runs that were killed; a run that is still at work holds its lock."""
    for folder in base_folder.glob(f"{BUILDING}*"):
        if not folder.is_dir():
            continue
        run_id = folder.name.removeprefix(BUILDING)
        lock = _lock_of(base_folder, run_id)
        with suppress(Timeout):
            lock.acquire(blocking=False)
            with suppress(FileNotFoundError):
                folder.rename(base_folder / f"{run_id}-interrupted")
            _release(lock)


def _lock_of(base_folder: Path, run_id: str) -> FileLock:
    return FileLock(base_folder / f"{BUILDING}{run_id}.lock")


def _release(lock: FileLock) -> None:
    lock.release()
    with suppress(OSError):
        Path(lock.lock_file).unlink()
