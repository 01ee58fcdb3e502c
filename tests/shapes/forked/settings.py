"""A shop that has forked half of Oscar, with a user model of its own and without ATOMIC_REQUESTS."""

from __future__ import annotations

from tests.settings import *  # noqa: F403

FORKED = ("basket", "order", "catalogue", "customer", "checkout", "partner")
INSTALLED_APPS = [
    app.replace("oscar.apps.", "tests.shapes.forked.")
    if app.split(".")[2:3] and app.split(".")[2] in FORKED and app.split(".")[3] == "apps"
    else app
    for app in INSTALLED_APPS  # noqa: F405
]
INSTALLED_APPS.insert(0, "tests.shapes.forked.people")
AUTH_USER_MODEL = "people.Customer"
DATABASES["default"]["ATOMIC_REQUESTS"] = False  # noqa: F405
if not DATABASES["default"]["ENGINE"].endswith("sqlite3"):  # noqa: F405
    # the suite that starts this one is still using its own
    DATABASES["default"]["TEST"] = {"NAME": f"test_forked_{DATABASES['default']['NAME']}"}  # noqa: F405


class OnlyOurs(dict):
    """Migrations of this app alone: the forks' tables are made from their models."""

    def __contains__(self, app_label: object) -> bool:
        return app_label != "cart_recovery"

    def __getitem__(self, app_label: str) -> None:
        return None


MIGRATION_MODULES = OnlyOurs()
