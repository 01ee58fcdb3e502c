"""Everything that a sandbox needs before it can run. Done again, it changes nothing."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.sites.models import Site
from django.core.management import call_command
from django.utils import timezone

from sandbox_shop.campaigns import install_campaigns
from sandbox_shop.catalogue import install_catalogue
from sandbox_shop.countries import install_countries
from sandbox_shop.customers import install_customers, install_staff
from sandbox_shop.environment import current
from sandbox_shop.history import install_history, rename_statuses
from sandbox_shop.order_events import install_event_types
from sandbox_shop.past_answers import install_answers
from sandbox_shop.past_messages import install_messages
from sandbox_shop.past_troubles import install_troubles
from sandbox_shop.reviews import install_reviews
from sandbox_shop.wordings import install_wordings


def install(say: Callable[[str], None]) -> None:
    """Bring the database up to date and fill what is empty; `say` is told each long step."""
    now = timezone.now()
    say("Database")
    call_command("migrate", verbosity=0, interactive=False)
    _name_site()
    install_staff()
    install_countries()
    install_event_types()
    install_wordings()
    say("Catalogue")
    install_catalogue()
    say("Customers and consents")
    install_customers(now)
    rename_statuses()
    if current().has_past:
        _install_past(now, say)
    install_campaigns(now)
    # always: staff may have changed goods, and Whoosh is not kept up to date by each saving
    say("Search")
    call_command("rebuild_index", verbosity=0, interactive=False)


def _install_past(now: dt.datetime, say: Callable[[str], None]) -> None:
    say("Orders and baskets of the last 90 days")
    install_history(now)
    install_reviews(now)
    say("Messages of the past, and their reports")
    # before the messages, with which all days are summed up
    install_answers(now)
    install_troubles()
    install_messages(now)


def _name_site() -> None:
    """Oscar's own mails build their links from the current site."""
    address = urlsplit(current().shop_url).netloc
    Site.objects.update_or_create(
        pk=settings.SITE_ID, defaults={"domain": address, "name": settings.OSCAR_SHOP_NAME}
    )
