"""A run's folder is moved into place at once, and the pointer to the last good one never breaks a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from customerbase.errors import Refusal
from customerbase.run.folder import new_run_folder


def test_latest_is_a_link_beside_the_run(tmp_path: Path) -> None:
    with new_run_folder(tmp_path / "base") as folder:
        final = folder.publish()
    assert (tmp_path / "base" / "latest").resolve() == final


def test_where_latest_is_a_folder_of_somebody_s_the_run_is_published_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "latest").mkdir()
    (tmp_path / "latest" / "note.md").write_text("mine", encoding="utf-8")
    with new_run_folder(tmp_path) as folder:
        final = folder.publish()
    assert (tmp_path / "latest.txt").read_text(encoding="utf-8") == f"{final.name}\n"
    assert (tmp_path / "latest" / "note.md").exists()
    assert {entry.name for entry in tmp_path.iterdir()} == {"latest", "latest.txt", final.name}


def test_a_run_that_ends_early_is_set_aside_under_its_own_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="mid-way"), new_run_folder(tmp_path) as folder:
        raise ValueError("mid-way")
    assert [entry.name for entry in tmp_path.iterdir()] == [f"{folder.run_id}-interrupted"]


def test_two_folders_of_one_second_are_two(tmp_path: Path) -> None:
    with new_run_folder(tmp_path) as one, new_run_folder(tmp_path) as other:
        assert one.run_id != other.run_id
        assert one.path != other.path


def test_a_place_without_room_for_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refusal, match="file"), new_run_folder(tmp_path / "file" / "base"):
        pass
