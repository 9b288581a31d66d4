"""A home begins as an empty folder of its owner's, and nobody can put another in the place of what it has outside."""

from pathlib import Path

import pytest

from local.errors import LocalError
from local.home import Home, private_folder


def test_a_folder_with_other_things_is_no_home(tmp_path: Path) -> None:
    """`make reset` would delete them."""
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(LocalError, match=r"not empty \(it has thesis.tex\)"):
        Home.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_empty_folder_becomes_one_and_stays_one(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    made = Home.open(tmp_path)
    (tmp_path / "files").mkdir()
    assert Home.open(tmp_path) == made


def test_a_link_to_a_folder_of_ours_is_no_private_folder(tmp_path: Path) -> None:
    """In a folder that all may write to, anybody could point it at what its owner would never give up."""
    (tmp_path / "precious").mkdir(mode=0o755)
    (tmp_path / "portico-0123456789").symlink_to(tmp_path / "precious")
    with pytest.raises(LocalError, match="move it away"):
        private_folder(tmp_path / "portico-0123456789")
    assert (tmp_path / "precious").stat().st_mode & 0o777 == 0o755


def test_a_file_that_can_not_be_written_leaves_no_beginning(tmp_path: Path) -> None:
    (tmp_path / "env").mkdir()
    home = Home(tmp_path, "0123456789")
    with pytest.raises(OSError, match="directory"):
        home.write_settings({"PORTICO_DEMO": "1"})
    assert [path.name for path in tmp_path.iterdir()] == ["env"]


def test_a_home_whose_path_became_short_has_its_sockets_inside(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "home")
    home.path.joinpath("run").symlink_to(tmp_path / "gone")
    assert home.run == home.path / "run"
    assert not home.run.is_symlink()
