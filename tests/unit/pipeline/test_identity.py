import stat
from pathlib import Path

import pytest

from pipeline.identity import KeyFileError, SecretKey, pseudonymiser, read_or_create_key

NUMBER = "+4930123456"


def test_a_number_has_one_pseudonym_under_one_key_and_another_under_another() -> None:
    one, other = (pseudonymiser(SecretKey(bytes([fill]) * 32), "k1") for fill in (1, 2))
    assert one.line(NUMBER) == one.line(NUMBER) != other.line(NUMBER)


def test_a_pseudonym_names_its_key_and_hides_the_number() -> None:
    pseudonym = pseudonymiser(SecretKey(bytes(32)), "k2").line(NUMBER)
    assert pseudonym.startswith("k2-")
    assert "123456" not in pseudonym


def test_a_missing_key_is_created_for_its_owner_only_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "var" / "key"
    created, again = read_or_create_key(path), read_or_create_key(path)
    assert (created.created, again.created) == (True, False)
    assert created.key == again.key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [file.name for file in path.parent.iterdir()] == ["key"]


def test_a_key_that_others_can_read_is_refused_with_the_command_that_mends_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    read_or_create_key(path)
    path.chmod(0o644)
    with pytest.raises(KeyFileError, match=r"chmod 600 .*key"):
        read_or_create_key(path)


@pytest.mark.parametrize("content", ["", "secret", "00" * 31, "zz" * 32])
def test_a_file_that_holds_no_key_is_refused_and_left_as_it_is(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content)
    path.chmod(0o600)
    with pytest.raises(KeyFileError, match="holds no pseudonym key"):
        read_or_create_key(path)
    assert path.read_text() == content


def test_a_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(KeyFileError, match=r"cannot (read|create) the pseudonym key"):
        read_or_create_key(tmp_path / "file" / "key")


def test_the_key_never_shows_in_a_representation() -> None:
    assert "07" not in repr(pseudonymiser(SecretKey(bytes([7]) * 32), "k1"))


@pytest.mark.parametrize("key_id", ["", "K1", "1k", "k-1", "k" * 17])
def test_a_key_id_that_cannot_stand_in_a_pseudonym_is_refused(key_id: str) -> None:
    with pytest.raises(KeyFileError, match="key_id"):
        pseudonymiser(SecretKey(bytes(32)), key_id)
