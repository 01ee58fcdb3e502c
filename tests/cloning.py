"""One migrated database for a run on several workers: the first one migrates, the others copy.

Oscar's and our migrations take half a minute of a core, and on a small machine all workers would
need it at once.
"""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

SUFFIX = "template"


class Template:
    """From now on the connection's test database is made from the one that another worker has
    migrated, if one has. `folder` is the same for all workers of the run."""

    def __init__(self, connection: BaseDatabaseWrapper, folder: Path) -> None:
        self.connection = connection
        self.creation: Any = connection.creation
        self.creation.create_test_db = partial(self._create, self.creation.create_test_db)
        #: holds the name of the database to copy, as soon as there is one
        self.note = folder / "migrated-database"
        self.lock = folder / "migrated-database.lock"
        self.own = ""

    def _create(self, original: Any, *args: Any, serialize: bool = True, **options: Any) -> str:
        with self._locked():
            if self.note.exists():
                return self._copy(self.note.read_text(), serialize, **options)
            name = str(original(*args, serialize=serialize, **options))
            # nobody may be connected to what is copied
            self.connection.close()
            self.creation.clone_test_db(SUFFIX, verbosity=0, autoclobber=True)
            self.own = self.creation.get_test_db_clone_settings(SUFFIX)["NAME"]
            self.note.write_text(self.own)
            self.connection.ensure_connection()
            return name

    def _copy(self, template: str, serialize: bool, **options: Any) -> str:
        name = str(self.creation._get_test_db_name())
        if self.connection.vendor == "sqlite":
            shutil.copyfile(template, name)
        else:
            self.connection.settings_dict["TEST"]["TEMPLATE"] = template
            self.creation._create_test_db(
                options.get("verbosity", 1), options.get("autoclobber", False), keepdb=False
            )
        self.connection.close()
        settings.DATABASES[self.connection.alias]["NAME"] = name
        self.connection.settings_dict["NAME"] = name
        if serialize:
            self.connection._test_serialized_contents = (  # type: ignore[attr-defined]  # Django's
                self.creation.serialize_db_to_string()
            )
        self.connection.ensure_connection()
        return name

    def drop(self) -> None:
        """Whoever still comes migrates for itself."""
        with self._locked():
            if self.own:
                self.note.unlink()
                self.creation._destroy_test_db(self.own, verbosity=0)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self.lock.open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
