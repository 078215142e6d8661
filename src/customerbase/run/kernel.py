"""Kernels of the environment that runs the command, started ahead of the chapter that needs them."""

from __future__ import annotations

import ast
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_core.utils import run_sync

from ..chapter import RUN_FOLDER


class ThisEnvironment(KernelSpecManager):
    """Resolves every kernel's name to the Python that is running, whatever kernels the user has registered.

    Parameters
    ----------
    startup : str
        Code that the kernel runs before the first cell.
    """

    def __init__(self, startup: str = "pass", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.startup = startup

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return the kernel of this environment."""
        quiet = ["--IPKernelApp.log_level=ERROR", "--HistoryManager.enabled=False"]
        return KernelSpec(
            resource_dir="",
            **get_kernel_dict(extra_arguments=[*quiet, f"--IPKernelApp.exec_lines={[self.startup]!r}"]),
        )


class ChapterKernel:
    """A kernel that is already importing what its chapter will import.

    Parameters
    ----------
    cells : iterable of str
        The sources of the chapter's code cells.
    run_folder : Path
        Where the chapter's tables go.
    scratch : Path
        An empty folder for IPython's own files, so that a user's start-up scripts change no result.
    """

    def __init__(self, cells: Iterable[str], run_folder: Path, scratch: Path) -> None:
        specs = ThisEnvironment(_import_ahead(imported_modules(cells)))
        # encrypted, since any user of the machine can connect to a kernel's local port
        self.manager = AsyncKernelManager(kernel_name="python3", kernel_spec_manager=specs, transport_encryption="auto")
        environment = os.environ | {
            RUN_FOLDER: str(run_folder),
            "IPYTHONDIR": str(scratch),
            "MPLBACKEND": "agg",
        }
        run_sync(self.manager.start_kernel)(env=environment)

    def stop(self) -> None:
        """End the kernel at once."""
        run_sync(self.manager.shutdown_kernel)(now=True)


def _import_ahead(modules: list[str]) -> str:
    # in a namespace of its own, and silent: a module that can't be imported is the cell's failure to report
    lines = [
        "import contextlib",
        *(f"with contextlib.suppress(Exception): import {module}" for module in modules),
    ]
    return f"exec({chr(10).join(lines)!r}, {{}})"


def imported_modules(cells: Iterable[str]) -> list[str]:
    """Return the modules that code cells import, or may, each once."""
    modules: dict[str, None] = {}
    for source in cells:
        try:
            statements = ast.parse(source).body
        except SyntaxError:  # a magic, or a mistake that the cell itself will show
            continue
        for statement in statements:
            if isinstance(statement, ast.Import):
                modules |= dict.fromkeys(alias.name for alias in statement.names)
            elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
                # what is imported from a package may be a module of its own
                modules |= dict.fromkeys(f"{statement.module}.{alias.name}" for alias in statement.names)
                modules[statement.module] = None
    return list(modules)
