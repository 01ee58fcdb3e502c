"""The goods as Oscar's rows: categories, products with variants, prices, stock, pictures."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

from django.core.files.base import ContentFile
from django.db import transaction
from oscar.core.loading import get_model

from sandbox_shop import goods
from sandbox_shop.goods import Good
from sandbox_shop.motifs import MOTIFS
from sandbox_shop.pictures import picture

CURRENCY: Final = "EUR"
GRINDS: Final = ("ganze Bohne", "Filter", "Presskanne", "Espresso")


@transaction.atomic
def install_catalogue() -> bool:
    """Create the catalogue where there is none; whether it did."""
    if get_model("catalogue", "Product").objects.exists():
        return False
    kinds = _product_classes()
    categories = _categories()
    partner = get_model("partner", "Partner").objects.create(name="Lager Hamburg")
    products = {
        good.code: _product(good, kinds[good.kind], partner, categories[good.category])
        for good in goods.GOODS
    }
    get_model("catalogue", "ProductRecommendation").objects.bulk_create(
        get_model("catalogue", "ProductRecommendation")(
            primary=products[code], recommendation=products[other], ranking=100 - place
        )
        for code, others in goods.RECOMMENDED.items()
        for place, other in enumerate(others)
    )
    return True


def _product_classes() -> dict[str, Any]:
    make = get_model("catalogue", "ProductClass").objects.create
    kinds = {
        goods.WARE: make(name=goods.WARE),
        goods.COFFEE: make(name=goods.COFFEE),
        goods.ENGRAVED: make(name=goods.ENGRAVED),
        goods.VOUCHER: make(name=goods.VOUCHER, requires_shipping=False, track_stock=False),
    }
    kinds[goods.COFFEE].options.add(_grind_option())
    kinds[goods.ENGRAVED].options.add(
        get_model("catalogue", "Option").objects.create(
            name="Gravur", code="gravur", type="text", required=False,
            help_text="Bis zu 20 Zeichen / up to 20 characters",
        )
    )  # fmt: skip
    return kinds


def _grind_option() -> Any:
    group = get_model("catalogue", "AttributeOptionGroup").objects.create(name="Mahlgrad")
    for grind in GRINDS:
        group.options.create(option=grind)
    return get_model("catalogue", "Option").objects.create(
        name="Mahlgrad", code="mahlgrad", type="select", required=False, option_group=group
    )


def _categories() -> dict[str, Any]:
    model = get_model("catalogue", "Category")
    found = {}
    for name, children in goods.CATEGORIES.items():
        found[name] = root = model.add_root(name=name)
        for child in children:
            found[child] = root.add_child(name=child)
    return found


def _product(good: Good, kind: Any, partner: Any, category: Any) -> Any:
    model = get_model("catalogue", "Product")
    product = model.objects.create(
        title=good.title, upc=good.code, description=good.description, product_class=kind,
        structure=model.PARENT if good.variants else model.STANDALONE,
    )  # fmt: skip
    get_model("catalogue", "ProductCategory").objects.create(product=product, category=category)
    _add_picture(product, good)
    if not good.variants:
        _add_stock(product, partner, good.price, good.stock)
    # Oscar shows the youngest first
    for number, variant in reversed(list(enumerate(good.variants, 1))):
        child = model.objects.create(
            title=f"{good.title}, {variant.name}", upc=f"{good.code}-{number}", parent=product,
            structure=model.CHILD, description=good.description,
        )  # fmt: skip
        _add_stock(child, partner, variant.price, variant.stock)
    return product


def _add_picture(product: Any, good: Good) -> None:
    get_model("catalogue", "ProductImage").objects.create(
        product=product,
        caption=good.title,
        original=ContentFile(picture(MOTIFS[good.motif], good.colour), name=f"{good.code}.jpg"),
    )


def _add_stock(product: Any, partner: Any, price: str, stock: int | None) -> None:
    get_model("partner", "StockRecord").objects.create(
        product=product, partner=partner, partner_sku=product.upc, price_currency=CURRENCY,
        price=Decimal(price), num_in_stock=stock, low_stock_threshold=5,
    )  # fmt: skip
