"""Real rows for tests, as short as they can be."""

from __future__ import annotations

import datetime as dt
import itertools
from decimal import Decimal
from typing import Any

from django.contrib.auth import get_user_model
from django.utils import timezone
from oscar.core.loading import get_class, get_model

from cart_recovery import models

counter = itertools.count(1)
RIGHTS = ("is_active", "is_staff", "is_superuser")


def make_user(email: str = "", **kwargs: Any) -> Any:
    n = next(counter)
    email = email or f"kunde{n}@example.de"
    if get_user_model().USERNAME_FIELD != "email":
        kwargs.setdefault("username", f"kunde{n}")
    # Oscar's own manager sets these itself and takes no others
    rights = {name: kwargs.pop(name) for name in RIGHTS if name in kwargs}
    user = get_user_model().objects.create_user(email=email, password="geheim-123", **kwargs)
    for name, value in rights.items():
        setattr(user, name, value)
    if rights:
        user.save(update_fields=[*rights])
    return user


def make_product(
    title: str = "", *, price: str | None = "19.99", stock: int | None = 10, **kwargs: Any
) -> Any:
    """A standalone product that can be bought; `price=None` leaves the stock record out."""
    n = next(counter)
    product_class, _ = get_model("catalogue", "ProductClass").objects.get_or_create(
        name="Ware", defaults={"requires_shipping": True, "track_stock": True}
    )
    product = get_model("catalogue", "Product").objects.create(
        title=title or f"Produkt {n}", product_class=product_class, upc=f"upc-{n}", **kwargs
    )
    if price is not None:
        partner, _ = get_model("partner", "Partner").objects.get_or_create(name="Lager")
        get_model("partner", "StockRecord").objects.create(
            product=product, partner=partner, partner_sku=f"sku-{n}", price=Decimal(price),
            price_currency="EUR", num_in_stock=stock,
        )  # fmt: skip
    return product


def make_basket(*products: Any, owner: Any = None, quantity: int = 1) -> Any:
    """An open basket holding the products, filled through Oscar's own `add_product`."""
    basket = get_model("basket", "Basket").objects.create(owner=owner)
    basket.strategy = get_class("partner.strategy", "Selector")().strategy(user=owner)
    for product in products:
        basket.add_product(product, quantity=quantity)
    return basket


def make_contact(
    email: str | None = "", *, phone: str | None = None, **kwargs: Any
) -> models.Contact:
    """A contact; pass `email=None` for one without."""
    if email == "":
        email = f"mensch{next(counter)}@example.de"
    return models.Contact.objects.create(
        email=email or "", email_key=email.lower() if email else None, phone=phone,
        language=kwargs.pop("language", "de"), **kwargs,
    )  # fmt: skip


def make_cart(
    basket: Any, contact: models.Contact | None = None, **kwargs: Any
) -> models.TrackedCart:
    """The tracked cart of a basket, last touched an hour ago unless told otherwise."""
    at = kwargs.pop("last_activity_at", timezone.now() - dt.timedelta(hours=1))
    defaults = {"contact": contact, "created_at": at, "last_activity_at": at, **kwargs}
    return models.TrackedCart.objects.update_or_create(basket=basket, defaults=defaults)[0]


def make_campaign(
    *, delays: tuple[dt.timedelta, ...] = (dt.timedelta(0),), channels: tuple[str, ...] = ("email",),
    trigger: str = models.Trigger.BASKET_ABANDONED, is_active: bool = True, **kwargs: Any,
) -> models.Campaign:  # fmt: skip
    """A campaign, active for a year, with one step per delay and one variant per channel and step."""
    n = next(counter)
    campaign = models.Campaign.objects.create(
        code=kwargs.pop("code", f"campaign-{n}"), name="Kampagne", trigger=trigger, is_active=is_active,
        activated_at=timezone.now() - dt.timedelta(days=365) if is_active else None, **kwargs,
    )  # fmt: skip
    for position, delay in enumerate(delays, 1):
        step = models.Step.objects.create(campaign=campaign, position=position, delay=delay)
        for channel in channels:
            models.Variant.objects.create(
                step=step, channel=channel, template_code="abandoned-basket-1", weight=100
            )
    return campaign


def make_followup(
    *, contact: models.Contact | None = None, basket: Any = None, campaign: models.Campaign | None = None,
    due_at: dt.datetime | None = None,
) -> models.FollowUp:  # fmt: skip
    """A planned follow-up of the campaign's first step, due a minute ago unless told otherwise."""
    now = timezone.now()
    contact = contact or make_contact()
    campaign = campaign or make_campaign()
    cart = make_cart(
        basket or make_basket(make_product()),
        contact,
        state=models.CartState.ABANDONED,
        abandoned_at=now,
    )
    enrolment = models.Enrolment.objects.create(
        campaign=campaign,
        contact=contact,
        cart=cart,
        clock_at=cart.last_activity_at,
        enrolled_at=now,
    )
    due_at = due_at or now - dt.timedelta(minutes=1)
    return models.FollowUp.objects.create(
        enrolment=enrolment,
        step=campaign.steps.order_by("position")[0],
        planned_for=due_at,
        due_at=due_at,
    )


def make_consent(
    contact: models.Contact,
    *channels: str,
    purpose: str = models.Purpose.CART_REMINDER,
    method: str = models.ConsentMethod.DOUBLE,
) -> models.Contact:
    """The contact says yes on these channels (e-mail if none is named), confirmed unless another
    method is named; gives the contact back."""
    from cart_recovery.consent import ledger

    for channel in channels or ("email",):
        ledger.record(
            contact, channel=channel, purposes=[purpose], action=models.ConsentAction.GRANTED,
            method=method, source="test",
        )  # fmt: skip
    return contact
