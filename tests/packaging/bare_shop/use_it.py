"""One basket left behind and followed up once, in a shop that has installed the wheel."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
from decimal import Decimal
from email import message_from_bytes, policy
from pathlib import Path

import django

os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
django.setup()

from django.conf import settings  # noqa: E402  after django.setup
from django.contrib.auth import get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.test import Client  # noqa: E402
from django.urls import reverse  # noqa: E402
from django.utils import timezone  # noqa: E402
from oscar.core.loading import get_model  # noqa: E402

import cart_recovery  # noqa: E402
from cart_recovery.consent import ledger  # noqa: E402
from cart_recovery.contacts import identities  # noqa: E402
from cart_recovery.models import Campaign, ConsentAction, Message, Purpose, TrackedCart  # noqa: E402


def make_product() -> object:
    kind = get_model("catalogue", "ProductClass").objects.create(name="Ware", track_stock=True)
    product = get_model("catalogue", "Product").objects.create(title="Teekanne", product_class=kind)
    get_model("partner", "StockRecord").objects.create(
        product=product, partner=get_model("partner", "Partner").objects.create(name="Lager"),
        partner_sku="kanne", price=Decimal("19.99"), price_currency="EUR", num_in_stock=5,
    )  # fmt: skip
    return product


def leave_a_basket() -> TrackedCart:
    user = get_user_model().objects.create_user("erika", "erika@example.de", "geheim-123")
    product = make_product()
    shopper = Client()
    shopper.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])
    shopper.post(reverse("basket:add", kwargs={"pk": product.pk}), {"quantity": 1})
    contact = identities.resolve(user_id=user.pk)
    ledger.record(
        contact, channel="email", purposes=[Purpose.CART_REMINDER], action=ConsentAction.GRANTED,
        method="double",
        source="test",
    )  # fmt: skip
    return TrackedCart.objects.get()


def let_time_pass(cart: TrackedCart) -> None:
    now = timezone.now()
    TrackedCart.objects.filter(pk=cart.pk).update(last_activity_at=now - dt.timedelta(hours=2))
    Campaign.objects.filter(code="abandoned-basket").update(
        is_active=True, activated_at=now - dt.timedelta(days=1)
    )


let_time_pass(leave_a_basket())
for _minute in range(3):
    call_command("recovery_sweep")
mails = [
    message_from_bytes(path.read_bytes(), policy=policy.default)
    for path in Path(settings.EMAIL_FILE_PATH).iterdir()
]
texts = [mail.get_body(["plain"]).get_content() for mail in mails]
links = re.findall(r"https://shop\.example(/\S*/r/\S+)", "".join(texts))
print(
    json.dumps(
        {
            "installed_in": cart_recovery.__file__,
            "to": [mail["To"] for mail in mails],
            "subjects": [mail["Subject"] for mail in mails],
            "one_click": [mail["List-Unsubscribe-Post"] for mail in mails],
            "texts": texts,
            "states": list(Message.objects.values_list("state", flat=True)),
            "restore_page": Client().get(links[0]).status_code if links else None,
        }
    )
)
