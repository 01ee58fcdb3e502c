"""Links made as the delivery makes them, and followed as a shopper's browser follows them."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse
from django.utils import timezone
from oscar.core.loading import get_class, get_model

from cart_recovery import models
from cart_recovery.incentives.granting import grant
from cart_recovery.restore_links.tokens import LinkRequest, create_links
from tests import factories

PHONE_AGENT = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Safari/604.1"


def make_link(basket: Any, contact: Any = None, *, incentive: Any = None, **cart: Any) -> str:
    """The token of a link to the basket, made now for a follow-up of its cart."""
    followup = factories.make_followup(contact=contact, basket=basket)
    if incentive is not None:
        followup.step.incentive = incentive
        followup.step.save()
        grant([followup], {}, timezone.now())
    enrolment = followup.enrolment
    if cart:
        models.TrackedCart.objects.filter(pk=enrolment.cart_id).update(**cart)
    request = LinkRequest(followup.pk, enrolment.contact_id, enrolment.cart_id)
    return create_links([request], timezone.now())[followup.pk]


def link_path(token: str) -> str:
    return reverse("cart_recovery:restore", kwargs={"token": token})


def show(client: Client, token: str, **headers: Any) -> Any:
    return client.get(link_path(token), **{"HTTP_USER_AGENT": PHONE_AGENT, **headers})


def confirm(client: Client, token: str, page: Any, **headers: Any) -> Any:
    """What the page's script sends."""
    visit = re.search(r'name="visit" value="([^"]+)"', page.content.decode())
    assert visit, page.content
    return client.post(
        link_path(token), {"visit": visit[1]}, **{"HTTP_USER_AGENT": PHONE_AGENT, **headers}
    )


def tap(client: Client, token: str, **headers: Any) -> Any:
    """A shopper taps the link: the page comes and submits itself. Follows to the last page."""
    response = confirm(client, token, show(client, token, **headers), **headers)
    return client.get(response["Location"]) if response.status_code == 302 else response


def basket_of(client: Client) -> Any:
    """The visitor's basket as the shop's own page shows it."""
    basket_id = client.get(reverse("basket:summary")).wsgi_request.basket.pk
    return get_model("basket", "Basket").objects.filter(pk=basket_id).first()


def holding(client: Client) -> dict[str, int]:
    """What lies in the visitor's basket: title -> quantity; two lines of one title are an error."""
    basket = basket_of(client)
    lines = [] if basket is None else list(basket.lines.all())
    titles = [line.product.get_title() for line in lines]
    assert len(titles) == len(set(titles)), titles
    return {line.product.get_title(): line.quantity for line in lines}


def with_strategy(basket: Any) -> Any:
    basket.strategy = get_class("partner.strategy", "Selector")().strategy()
    return basket


def make_later_link(enrolment: Any, step: Any) -> str:
    """The token of the link of another step of the same enrolment."""
    now = timezone.now()
    followup = models.FollowUp.objects.create(
        enrolment=enrolment, step=step, due_at=now, planned_for=now
    )
    grant([followup], {}, now)
    request = LinkRequest(followup.pk, enrolment.contact_id, enrolment.cart_id)
    return create_links([request], now)[followup.pk]
