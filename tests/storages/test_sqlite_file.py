"""What SQLite does with whatever it finds at its path: nothing of anybody's is ever lost or touched."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aiostep_core.errors import AiostepError, BadArgument, StorageClosed, StorageDamaged, StorageUnavailable
from aiostep_core.storages import sqlite_file
from aiostep_core.storages.abc import RecordKey
from aiostep_core.storages.records import settle
from aiostep_core.storages.sqlite import SqliteRecords
from aiostep_core.storages.sqlite_paths import APPLICATION_ID, Look, identity_of, look_at, owned, set_aside

KEY = RecordKey("state", "1", "5")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the database is to be."""
    return tmp_path / "bot.db"


@pytest.fixture
def opened() -> Iterator[Callable[..., SqliteRecords]]:
    """Make storages that are closed at the end."""
    with contextlib.ExitStack() as stack:

        def make(path: Path | str, **options: Any) -> SqliteRecords:
            records = SqliteRecords(path, is_blocking=True, **options)
            stack.callback(lambda: settle(records.close()))
            return records

        yield make


def filled(path: Path, records: int = 300) -> None:
    """Leave a database of ours, of many pages, closed."""
    storage = SqliteRecords(path, is_blocking=True, durability="process")
    for number in range(records):
        settle(storage.write(RecordKey("state", "1", str(number)), {"x": f"{number} " * 100}))
    settle(storage.close())


def crashed(path: Path, records: int = 300) -> None:
    """Leave a database of ours as the death of its process leaves it: with its log."""
    filled(path, records)
    connection = sqlite3.connect(path)
    connection.execute("pragma wal_autocheckpoint = 0")
    connection.execute("update records set due = 5 where name = '7'")
    connection.commit()
    copies = {end: path.with_name(path.name + end).read_bytes() for end in ("", "-wal")}
    connection.close()
    for end, content in copies.items():
        path.with_name(path.name + end).write_bytes(content)


def zero_page(path: Path, number: int) -> None:
    """Have a disk forget one page of a file."""
    with path.open("r+b") as file:
        file.seek((number - 1) * 4096)
        file.write(b"\0" * 4096)


def content(folder: Path) -> dict[str, bytes]:
    """Read all files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_nothing_is_made_before_it_is_needed(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """Making a storage touches no disk; its first operation, if only a reading one, makes the file."""
    records = opened(path)
    assert not path.exists()

    assert settle(records.read(KEY)) == {}
    assert path.exists()


def test_a_clean_end_leaves_one_file(path: Path) -> None:
    """After closing there is the database and nothing beside it."""
    filled(path)

    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_the_file_says_whose_it_is(path: Path) -> None:
    """Its header has our mark and the version of its tables, from the first transaction on."""
    filled(path, 1)
    header = path.read_bytes()[:100]

    assert int.from_bytes(header[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(header[60:64], "big") == len(sqlite_file.MIGRATIONS) == 1


def test_what_was_written_is_there_after_reopening(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """Records, their times and journals outlive the storage that wrote them."""
    first = opened(path, clock=lambda: 1000.0)
    settle(first.write(KEY, {"x": "1"}, ttl=50, due=7.0))
    settle(first.append(RecordKey("journal", "1", "a"), 0, ["one", "two"]))
    settle(first.close())

    second = opened(path, clock=lambda: 1010.0)
    [found] = settle(second.scan("state"))
    journal = settle(second.journal(RecordKey("journal", "1", "a")))
    assert found == (KEY, {"x": "1"}, 40, 7.0)
    assert journal is not None
    assert journal.entries == ["one", "two"]


def test_an_empty_file_is_used(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A file without a byte, or a SQLite database without a table, is as good as none."""
    path.touch()
    settle(opened(path).write(KEY, {"x": "1"}))

    empty = path.with_name("empty.db")
    connection = sqlite3.connect(empty)
    connection.execute("vacuum")
    connection.close()
    assert empty.stat().st_size > 0
    settle(opened(empty).write(KEY, {"x": "1"}))


# What is not ours.


def text(path: Path) -> None:
    path.write_text("Dear diary")


def picture(path: Path) -> None:
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


def foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("create table users (id)")
    connection.commit()
    connection.close()


def foreign_log(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma journal_mode = wal")
    connection.execute("create table users (id)")
    connection.commit()
    connection.close()


def marked_by_another(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma application_id = 42")
    connection.commit()
    connection.close()


def versioned_by_another(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 1")
    connection.commit()
    connection.close()


def foreign_journal(path: Path) -> None:
    path.with_name(path.name + "-journal").write_bytes(b"a journal that would be rolled back")
    connection = sqlite3.connect(path.with_name("other"))
    connection.execute("vacuum")
    connection.close()
    path.with_name("other").rename(path)


@pytest.mark.parametrize("on_damage", ["raise", "recreate"])
@pytest.mark.parametrize(
    "make", [text, picture, foreign_database, foreign_log, marked_by_another, versioned_by_another, foreign_journal]
)
def test_a_file_that_is_not_ours_is_refused(
    make: Callable[[Path], None], on_damage: str, path: Path, opened: Callable[..., SqliteRecords]
) -> None:
    """Whatever else is at the path is refused with one sentence, and not a byte of it or beside it changes."""
    make(path)
    before = content(path.parent)

    with pytest.raises(StorageDamaged, match=r"bot\.db is .*; it was not touched; give another path"):
        settle(opened(path, on_damage=on_damage).write(KEY, {"x": "1"}))

    assert content(path.parent) == before


def test_a_newer_version_is_refused(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A file that a later aiostep wrote is refused, naming both versions and the fix, and keeps its content."""
    filled(path)
    connection = sqlite3.connect(path)
    connection.execute("pragma user_version = 7")
    connection.close()
    before = content(path.parent)[path.name]

    with pytest.raises(StorageDamaged, match=r"newer aiostep \(version 7; this one reads up to 1\); upgrade aiostep"):
        settle(opened(path, on_damage="recreate").read(KEY))

    assert content(path.parent)[path.name] == before


def test_an_older_version_is_brought_up_to_date(
    path: Path, tmp_path: Path, opened: Callable[..., SqliteRecords], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only the missing migrations are run, in one transaction, and what is in the file stays."""
    filled(path, 3)
    scripts = {
        "sql/two.sql": b"alter table records add column colour text;\n",
        "sql/three.sql": b"create table x (y);\n",
    }
    original = sqlite_file.pkgutil.get_data
    monkeypatch.setattr(
        sqlite_file.pkgutil, "get_data", lambda package, name: scripts.get(name) or original(package, name)
    )
    monkeypatch.setattr(sqlite_file, "MIGRATIONS", (*sqlite_file.MIGRATIONS, *scripts))

    assert len(settle(opened(path).scan("state"))) == 3
    connection = sqlite3.connect(path)
    assert connection.execute("pragma user_version").fetchone() == (3,)
    assert connection.execute("select colour from records").fetchall() == [(None,)] * 3
    connection.close()


def test_a_migration_that_fails_leaves_the_old_version(
    path: Path, opened: Callable[..., SqliteRecords], monkeypatch: pytest.MonkeyPatch
) -> None:
    """If one of several migrations cannot be done, none is."""
    filled(path, 3)
    scripts = {"sql/two.sql": b"alter table records add column colour text;\n", "sql/three.sql": b"create tabel x;\n"}
    original = sqlite_file.pkgutil.get_data
    with monkeypatch.context() as patch:
        patch.setattr(
            sqlite_file.pkgutil, "get_data", lambda package, name: scripts.get(name) or original(package, name)
        )
        patch.setattr(sqlite_file, "MIGRATIONS", (*sqlite_file.MIGRATIONS, *scripts))
        with pytest.raises(StorageUnavailable, match='near "tabel"'):
            settle(opened(path).read(KEY))

    assert len(settle(opened(path).scan("state"))) == 3


# Places where no file can be.


def test_a_directory_is_refused(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A directory as path is told from a file."""
    path.mkdir()

    with pytest.raises(StorageUnavailable, match="is a directory; give the path of a file in it"):
        settle(opened(path).read(KEY))


def test_a_missing_directory_is_named(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """If the file's directory is missing the error names it; once it is there the same storage works."""
    records = opened(path / "deeper" / "bot.db")

    with pytest.raises(StorageUnavailable, match=r"has no directory .*bot\.db.deeper; create it"):
        settle(records.write(KEY, {"x": "1"}))

    (path / "deeper").mkdir(parents=True)
    settle(records.write(KEY, {"x": "1"}))


@pytest.mark.parametrize("path", ["", None, 5, b"bot.db", "bot\0.db"])
def test_a_path_that_is_none_is_refused_at_once(path: Any) -> None:
    """A path must be a text or a path object, and say something."""
    with pytest.raises(BadArgument, match=r'expected the path of a file, such as "bot\.db", or'):
        SqliteRecords(path)


@pytest.mark.parametrize(
    "options",
    [
        {"durability": "FULL"},
        {"durability": None},
        {"on_damage": "ignore"},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": float("nan")},
        {"timeout": float("inf")},
    ],
)
def test_an_option_that_makes_no_sense_is_refused_at_once(options: dict[str, Any]) -> None:
    """The error names the option, what it was and what it may be."""
    with pytest.raises(BadArgument, match=rf"{next(iter(options))} is .*; expected"):
        SqliteRecords("bot.db", **options)


def test_a_relative_path_stays_what_it_was(
    tmp_path: Path, opened: Callable[..., SqliteRecords], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path is meant as seen from where the process was when the storage was made."""
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    records = opened("bot.db")
    monkeypatch.chdir("elsewhere")
    settle(records.write(KEY, {"x": "1"}))

    assert (tmp_path / "bot.db").exists()


def as_somebody_else(attempt: Callable[[], object]) -> str:
    """Do something in a child process that is not root, for whom nothing is read-only; return what it raised."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            if os.getuid() == 0:
                os.setuid(65534)
            attempt()
            os.write(writing, b"nothing")
        except AiostepError as error:
            os.write(writing, f"{type(error).__name__}: {error}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as answer:
        return answer.read()


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder that every user of this machine can see, unlike those that pytest makes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="permissions work differently here")
@pytest.mark.parametrize("what", ["file", "directory", "both", "unreadable"])
def test_a_read_only_file_is_named(what: str, public_folder: Path) -> None:
    """A file that may not be written, be it because of its directory, gives one error that names the fix."""
    path = public_folder / "bot.db"
    filled(path)
    public_folder.chmod(0o777 if what == "file" else 0o555)
    path.chmod({"directory": 0o666, "unreadable": 0o000}.get(what, 0o444))

    def attempt() -> None:
        records = SqliteRecords(path, is_blocking=True)
        settle(records.write(KEY, {"x": "1"}))

    assert "writable for this user" in (answer := as_somebody_else(attempt)), answer
    assert answer.startswith("StorageUnavailable: ")


# Damage.


def test_a_page_that_was_lost_in_a_crash_is_found(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """After a crash the whole file is checked when it is opened; damage is an error that says what to do."""
    crashed(path)
    zero_page(path, 20)

    with pytest.raises(StorageDamaged, match=r'is damaged \(.*stop the bot, copy the file .* on_damage="recreate"'):
        settle(opened(path).read(KEY))


def test_a_file_that_was_closed_is_not_checked(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A file that was closed well is taken as it is: to check a large one takes time."""
    filled(path)
    zero_page(path, 20)

    assert settle(opened(path).read(RecordKey("state", "1", "299"))) != {}


def test_what_a_crash_left_in_the_log_is_there(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """What was committed and not moved into the file yet is found after a crash."""
    crashed(path)

    assert [one.key.name for one in settle(opened(path).due("state", "1", 10.0))] == ["7"]


def flip_header(path: Path) -> None:
    zero_page(path, 1)


def truncate(path: Path) -> None:
    os.truncate(path, 5 * 4096)


def truncate_in_header(path: Path) -> None:
    os.truncate(path, 60)


def spoil_schema(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 3000)


def empty_beside_log(path: Path) -> None:
    os.truncate(path, 0)


def missing_beside_log(path: Path) -> None:
    path.unlink()


BREAKS = [flip_header, truncate, truncate_in_header, spoil_schema, empty_beside_log, missing_beside_log]


@pytest.mark.parametrize("spoil", BREAKS)
def test_a_broken_file_is_never_emptied(
    spoil: Callable[[Path], None], path: Path, opened: Callable[..., SqliteRecords]
) -> None:
    """However a file is broken, opening it is an error each time, and what is left of it stays."""
    crashed(path)
    spoil(path)
    before = {end: path.with_name(path.name + end) for end in ("", "-wal")}
    left = {end: file.read_bytes() for end, file in before.items() if file.exists()}
    records = opened(path)

    for _ in range(2):
        with pytest.raises(StorageDamaged, match="is damaged"):
            settle(records.write(KEY, {"x": "1"}))

    assert path.read_bytes() == left[""] if "" in left else not path.exists()
    assert before["-wal"].read_bytes() == left["-wal"]


@pytest.mark.parametrize("spoil", BREAKS)
def test_a_broken_file_is_set_aside_if_that_is_asked_for(
    spoil: Callable[[Path], None],
    path: Path,
    opened: Callable[..., SqliteRecords],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """With on_damage="recreate" it gets another name, with its log, an error is logged, and a new one is used."""
    crashed(path)
    spoil(path)
    left = path.read_bytes() if path.exists() else None

    records = opened(path, on_damage="recreate")
    settle(records.write(KEY, {"x": "1"}))

    names = {found.name for found in path.parent.iterdir()} - {path.name, "bot.db-wal", "bot.db-shm"}
    assert names, "something was set aside"
    assert all(name.startswith("bot.db.damaged-2") for name in names)
    aside = [name for name in names if not name.endswith(("-wal", "-shm"))]
    assert [(path.parent / name).read_bytes() for name in aside] == ([] if left is None else [left])
    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert "is damaged" in record.getMessage()
    assert "bot.db.damaged-" in record.getMessage()
    assert len(settle(records.scan("state"))) == 1


def test_damage_that_comes_while_the_file_is_open(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A page that goes bad while the bot runs is an error as soon as it is read, for readers and writers."""
    filled(path, 3000)
    records = opened(path)
    assert settle(records.read(RecordKey("state", "1", "1")))
    for page in range(10, path.stat().st_size // 4096):
        zero_page(path, page)

    def read_all() -> None:
        for number in range(3000):
            settle(records.read(RecordKey("state", "1", str(number))))

    with pytest.raises(StorageDamaged, match="is damaged"):
        read_all()
    with pytest.raises(StorageDamaged, match="is damaged"):
        settle(records.read(KEY))


def test_damage_while_the_file_is_open_is_set_aside(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """With on_damage="recreate" the operation that found it is done in the new file."""
    filled(path, 3000)
    records = opened(path, on_damage="recreate", durability="process")
    assert settle(records.read(RecordKey("state", "1", "1")))
    for page in range(10, path.stat().st_size // 4096):
        zero_page(path, page)

    for number in range(3000):
        settle(records.merge(RecordKey("state", "1", str(number)), {"y": "2"}))

    assert settle(records.read(RecordKey("state", "1", "2999"))) == {"y": "2"}
    assert len(list(path.parent.glob("bot.db.damaged-*Z"))) == 1


def test_damage_that_a_reader_finds_is_set_aside(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """With on_damage="recreate" reading finds nothing in the new file, instead of an error."""
    filled(path, 3000)
    records = opened(path, on_damage="recreate")
    assert settle(records.read(RecordKey("state", "1", "1")))
    for page in range(10, path.stat().st_size // 4096):
        zero_page(path, page)

    found = [settle(records.read(RecordKey("state", "1", str(number)))) for number in range(3000)]

    assert found[-1] == {}
    assert len(list(path.parent.glob("bot.db.damaged-*Z"))) == 1


def test_two_who_find_the_damage_set_it_aside_once(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """Who comes second uses the new file of the first; neither's records are lost."""
    crashed(path)
    zero_page(path, 1)
    first, second = opened(path, on_damage="recreate"), opened(path, on_damage="recreate")

    settle(first.write(KEY, {"x": "1"}))
    settle(second.merge(KEY, {"y": "2"}))

    assert settle(first.read(KEY)) == {"x": "1", "y": "2"}
    assert len(list(path.parent.glob("bot.db.damaged-*Z"))) == 1


def test_only_the_file_that_was_damaged_is_set_aside(path: Path) -> None:
    """If another process was faster, its new file is left alone, and so is one that came from elsewhere."""
    crashed(path)
    damaged = identity_of(path)
    aside = set_aside(path, damaged, 1)
    filled(path)

    assert aside is not None
    assert set_aside(path, damaged, 1) is None
    assert set_aside(path, None, 1) is None
    assert len(list(path.parent.glob("bot.db.damaged-*Z"))) == 1
    path.unlink()
    assert set_aside(path, damaged, 1) is None


@pytest.mark.skipif(os.name == "nt", reason="no locks of this kind here")
def test_to_set_a_file_aside_ends(path: Path) -> None:
    """Who replaces a file while another does so waits for a bounded time."""
    filled(path)
    with owned(path, identity_of(path), 1) as is_there, pytest.raises(TimeoutError, match="another process replaces"):
        set_aside(path, identity_of(path), 0.05)

    assert is_there


# The file's name.


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be renamed here")
def test_a_file_that_was_replaced_is_noticed(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """When the file gets another name while it is open, the one that has the name now is used soon."""
    now = [1000.0]
    records = opened(path, clock=lambda: now[0])
    settle(records.write(KEY, {"x": "1"}))
    for end in ("-wal", "-shm", ""):
        path.with_name(path.name + end).rename(path.with_name(f"old{end}"))
    now[0] += 2

    assert settle(records.read(KEY)) == {}
    settle(records.write(KEY, {"x": "2"}))
    old = opened(path.with_name("old"))
    assert (settle(old.read(KEY)), settle(records.read(KEY))) == ({"x": "1"}, {"x": "2"})


def test_looking_at_a_file_keeps_the_locks_of_who_has_it_open(path: Path, opened: Callable[..., SqliteRecords]) -> None:
    """A second storage on an open file does not read it by itself: closing it would drop the locks of the first."""
    settle(opened(path).write(KEY, {"x": "1"}))
    if Path("/proc/locks").exists():
        locks = held_locks(path)
        assert locks

        settle(opened(path).read(KEY))
        assert look_at(path) is Look.OURS
        assert held_locks(path) >= locks


def held_locks(path: Path) -> int:
    """Count the locks that this process has on a file."""
    file = f":{path.stat().st_ino} "
    return sum(file in line and f" {os.getpid()} " in line for line in Path("/proc/locks").read_text().splitlines())


# In memory, and closed.


def test_a_database_in_memory(
    opened: Callable[..., SqliteRecords], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """ ":memory:" makes no file, has both faces, and each has its own content."""
    monkeypatch.chdir(tmp_path)
    first, second = opened(":memory:"), opened(":memory:")
    settle(first.write(KEY, {"x": "1"}))

    assert settle(first.read(KEY)) == {"x": "1"}
    assert settle(second.read(KEY)) == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("is_used", [True, False])
def test_a_closed_storage_says_so(is_used: bool, path: Path) -> None:
    """Whatever is called after closing raises StorageClosed; closing again is harmless."""
    records = SqliteRecords(path, is_blocking=True)
    if is_used:
        settle(records.write(KEY, {"x": "1"}))
    settle(records.close())
    settle(records.close())

    for operation in (records.read(KEY), records.write(KEY, {"x": "2"}), records.next_due("state", "1")):
        with pytest.raises(StorageClosed, match=r"SQLite file .*bot\.db was closed"):
            settle(operation)
    assert path.exists() is is_used


def test_an_old_sqlite_is_named(
    path: Path, opened: Callable[..., SqliteRecords], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A SQLite that cannot do what is needed is named with the version that can."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 22, 0))

    with pytest.raises(StorageUnavailable, match=r"needs SQLite 3\.24 or newer"):
        settle(opened(path).read(KEY))
