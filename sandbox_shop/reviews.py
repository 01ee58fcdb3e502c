"""What customers think of the goods: stars and a few words."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any, Final

from django.contrib.auth import get_user_model
from django.db import transaction
from oscar.core.loading import get_model

from sandbox_shop.people import SEED

COUNT: Final = 90
TEXTS: Final = {
    5: (("Genau so", "Gekommen, ausgepackt, seitdem jeden Tag benutzt."),
        ("Wunderbar", "Besser als auf dem Bild. Die zweite Bestellung ist schon unterwegs."),
        ("Great", "Arrived quickly, well made, would buy again.")),
    4: (("Sehr ordentlich", "Gute Qualität, nur der Karton war etwas groß."),
        ("Gern wieder", "Tut, was es soll. Ein Stern Abzug für die Farbe, die ist dunkler.")),
    3: (("In Ordnung", "Für den Preis habe ich ein bisschen mehr erwartet."),),
    2: (("Naja", "Bei mir kam es mit einem Kratzer an. Wurde aber ersetzt."),),
}  # fmt: skip
#: stars -> how many of a hundred give them
SCORES: Final = {5: 50, 4: 30, 3: 14, 2: 6}


@transaction.atomic
def install_reviews(now: dt.datetime) -> bool:
    """Write the reviews where there are none; whether it did."""
    model = get_model("reviews", "ProductReview")
    if model.objects.exists():
        return False
    chance = random.Random(SEED)
    products = list(get_model("catalogue", "Product").objects.browsable().order_by("pk"))
    users = list(get_user_model().objects.filter(is_staff=False).order_by("pk"))
    pairs = {(chance.choice(products), chance.choice(users)): None for _ in range(COUNT)}
    reviews = model.objects.bulk_create(_review(product, user, chance) for product, user in pairs)
    for review in reviews:
        review.date_created = now - dt.timedelta(days=chance.uniform(1, 90))
    model.objects.bulk_update(reviews, ["date_created"], batch_size=200)
    for product in {review.product for review in reviews}:
        product.update_rating()
    return True


def _review(product: Any, user: Any, chance: random.Random) -> Any:
    model = get_model("reviews", "ProductReview")
    score = chance.choices(list(SCORES), weights=list(SCORES.values()))[0]
    title, body = chance.choice(TEXTS[score])
    return model(
        product=product, user=user, score=score, title=title, body=body, status=model.APPROVED
    )
