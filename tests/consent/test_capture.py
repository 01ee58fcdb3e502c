from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.http import HttpResponse
from django.template import Context, Template
from django.test import Client, RequestFactory, override_settings
from django.urls import reverse
from django.utils import timezone, translation
from oscar.core.loading import get_model

from cart_recovery.consent import capture as capture_module
from cart_recovery.consent.capture import capture, capture_registration
from cart_recovery.consent.middleware import ConsentMiddleware
from cart_recovery.consent.verification import verify_chain
from cart_recovery.consent.wordings import current, publish
from cart_recovery.contacts.identities import resolve
from cart_recovery.models import (
    ConsentRecord,
    ConsentState,
    Contact,
    Notice,
    OptIn,
    OptInState,
)
from tests import checkout
from tests.consent.words import say
from tests.factories import make_contact, make_product, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("shipped_wordings")]

MIDDLEWARE = "cart_recovery.consent.middleware.ConsentMiddleware"
PHONE = "+4915123456789"


def box(channel: str = "email", where: str = "checkout", language: str = "de") -> dict[str, Any]:
    """What a browser sends for a ticked box."""
    name = f"recovery_consent_{channel}"
    wording = current(f"{where}-{channel}", language)
    return {name: "yes", f"{name}_wording": str(wording.pk)}


def post(data: dict[str, Any], path: str = "/form/", user: Any = None) -> Any:
    request = RequestFactory().post(path, data)
    request.user = user or AnonymousUser()
    request.session = {}
    return request


def asked(contact: Contact) -> set[tuple[str, str]]:
    """What waits to be confirmed."""
    rows = OptIn.objects.filter(contact=contact, state=OptInState.PENDING)
    return {(row.channel, purpose) for row in rows for purpose in row.purposes}


def agreed(contact: Contact) -> set[tuple[str, str]]:
    rows = ConsentState.objects.filter(contact=contact, action="granted")
    return set(rows.values_list("channel", "purpose"))


# --- the boxes ------------------------------------------------------------------------------------


def render(source: str, **context: Any) -> str:
    return Template("{% load cart_recovery %}" + source).render(Context(context))


@pytest.mark.parametrize("language", ["de", "en"])
def test_boxes_are_empty_and_carry_their_wording_when_rendered(language):
    with translation.override(language):
        html = render('{% recovery_consent where="checkout" channels="email,sms" %}')
    assert "checked" not in html
    assert html.count('type="checkbox"') == 2
    for channel in ("email", "sms"):
        wording = current(f"checkout-{channel}", language)
        assert wording.text in html
        assert f'name="recovery_consent_{channel}_wording" value="{wording.pk}"' in html


def test_one_box_for_email_is_rendered_when_no_channels_are_named():
    html = render('{% recovery_consent where="registration" %}')
    assert re.findall(r'name="(\w+)"', html) == [
        "recovery_consent_email", "recovery_consent_email_wording",
    ]  # fmt: skip


def test_the_text_is_escaped_and_marked_with_its_language_when_rendered():
    publish("box-email", "fr", channel="email", purposes=["promotion"], text="Oui <b>&</b>")
    html = render('{% recovery_consent where="box" %}')
    assert "Oui &lt;b&gt;&amp;&lt;/b&gt;" in html
    assert 'lang="fr"' in html


@pytest.mark.parametrize("channels", ["whatsapp", "nonsense", ""])
def test_no_box_is_rendered_when_the_channel_is_not_set_up(channels):
    html = render('{% recovery_consent where="checkout" channels=channels %}', channels=channels)
    assert "<input" not in html


def test_no_box_is_rendered_when_there_is_no_wording(caplog):
    assert "<input" not in render('{% recovery_consent where="nowhere" %}')
    assert "nowhere-email" in caplog.text


def test_a_tick_stays_when_the_same_form_comes_back_with_an_error():
    tag = '{% recovery_consent where="checkout" channels="email,sms" %}'
    html = render(tag, request=post(box("sms")))
    assert re.findall(r'name="(\w+)" value="yes" checked', html) == ["recovery_consent_sms"]
    stale = {**box("sms"), "recovery_consent_sms_wording": "1234567"}
    assert "checked" not in render(tag, request=post(stale))
    assert "checked" not in render(tag, request=RequestFactory().get("/", box("sms")))


# --- reading them ---------------------------------------------------------------------------------


def test_a_box_alone_permits_nothing_when_the_market_wants_a_confirmation():
    contact = make_contact()
    assert capture(post(box(language="en"), "/kasse/"), contact=contact, where="checkout") == [
        "email"
    ]
    opt_in = OptIn.objects.get()
    assert opt_in.wording == current("checkout-email", "en")
    assert (opt_in.state, opt_in.purposes) == ("pending", ["cart_reminder"])
    assert (opt_in.source, opt_in.source_url) == ("checkout", "https://shop.example/kasse/")
    assert Notice.objects.get().opt_in == opt_in
    assert not ConsentRecord.objects.exists()


def test_the_wording_that_was_shown_is_kept_when_the_market_takes_a_box():
    contact = make_contact(country="GB")
    capture(post(box(language="en"), "/kasse/"), contact=contact, where="checkout")
    record = ConsentRecord.objects.get()
    assert record.method == "single"
    assert not OptIn.objects.exists()
    assert record.wording == current("checkout-email", "en")
    assert (record.action, record.purpose) == ("granted", "cart_reminder")
    assert (record.source, record.source_url) == ("checkout", "https://shop.example/kasse/")


def test_all_purposes_of_the_wording_are_asked_for_when_it_names_several():
    publish("box-email", "de", channel="email", purposes=["promotion", "tracking"], text="Ja.")
    contact = make_contact()
    capture(post(box(where="box")), contact=contact, where="box")
    assert asked(contact) == {("email", "promotion"), ("email", "tracking")}


@pytest.mark.parametrize(
    "change",
    [
        {"recovery_consent_email": None},
        {"recovery_consent_email": ""},
        {"recovery_consent_email": "0"},
        {"recovery_consent_email": "false"},
        {"recovery_consent_email": "off"},
        {"recovery_consent_email_wording": None},
        {"recovery_consent_email_wording": ""},
        {"recovery_consent_email_wording": "999999"},
        {"recovery_consent_email_wording": "1; DROP TABLE"},
        {"recovery_consent_email_wording": "sms"},
        {"recovery_consent_email_wording": "registration"},
    ],
)
def test_nothing_is_recorded_when_box_or_wording_is_not_right(change):
    ids = {
        "sms": current("checkout-sms", "de").pk,
        "registration": current("registration-email", "de").pk,
    }
    data = {**box(), **{k: ids.get(v, v) for k, v in change.items()}}
    request = post({k: v for k, v in data.items() if v is not None})
    assert capture(request, contact=make_contact(), where="checkout") == []
    assert not ConsentRecord.objects.exists()
    assert not OptIn.objects.exists()


def test_nothing_is_recorded_when_the_boxes_come_by_get():
    request = RequestFactory().get("/", box())
    assert capture(request, contact=make_contact(), where="checkout") == []


def test_a_replaced_wording_is_recorded_as_seen_when_the_form_was_open():
    data, seen = box(), current("checkout-email", "de")
    publish("checkout-email", "de", channel="email", purposes=["promotion"], text="Neu.")
    capture(post(data), contact=make_contact(), where="checkout")
    opt_in = OptIn.objects.get()
    assert (opt_in.wording, opt_in.purposes) == (seen, ["cart_reminder"])


def test_nothing_is_recorded_when_the_contact_has_no_such_address():
    assert capture(post(box("sms")), contact=make_contact(phone=None), where="checkout") == []


def test_nothing_is_recorded_when_the_form_spoke_of_another_address():
    contact = make_contact("eins@example.de")
    addresses = {"email": "zwei@example.de"}
    assert capture(post(box()), contact=contact, where="checkout", addresses=addresses) == []
    addresses = {"email": "EINS@example.de"}
    assert capture(post(box()), contact=contact, where="checkout", addresses=addresses)


@pytest.mark.parametrize(("country", "rows"), [("DE", OptIn), ("GB", ConsentRecord)])
def test_one_row_is_kept_when_the_same_yes_comes_twice(country, rows):
    contact = make_contact(country=country)
    for _ in range(2):
        capture(post(box()), contact=contact, where="checkout")
    assert rows.objects.count() == 1
    assert Notice.objects.count() == (1 if country == "DE" else 0)


def test_nobody_is_asked_again_when_all_is_confirmed():
    contact = make_contact()
    say(contact, "granted")
    capture(post(box()), contact=contact, where="checkout")
    assert not OptIn.objects.exists()
    assert agreed(contact) == {("email", "cart_reminder")}


@pytest.mark.parametrize("between", ["withdrawn", "new_address"])
def test_a_fresh_yes_is_recorded_when_something_changed_between(between):
    contact = make_contact(country="GB")
    capture(post(box()), contact=contact, where="checkout")
    if between == "withdrawn":
        say(contact, "withdrawn")
    elif between == "new_address":
        contact.email, contact.email_key = "neu@example.de", "neu@example.de"
        contact.save()
    before = ConsentRecord.objects.count()
    capture(post(box()), contact=contact, where="checkout")
    assert ConsentRecord.objects.count() == before + 1
    assert agreed(contact) == {("email", "cart_reminder")}
    assert verify_chain(contact) == []


# --- the shop's forms -----------------------------------------------------------------------------


@pytest.fixture
def shopper() -> Client:
    """A browser with something in the basket."""
    client = Client(headers={"Accept-Language": "de", "User-Agent": "Mozilla/5.0 Firefox/140"})
    checkout.add_to_basket(client, make_product())
    return client


def register(client: Client, email: str = "neu@example.de", **data: Any) -> Any:
    fields = {
        "email": email, "password1": "sehr-geheim-99", "password2": "sehr-geheim-99",
        "registration_submit": "Register", "redirect_url": "/", **data,
    }  # fmt: skip
    return client.post(reverse("customer:register"), fields)


def test_consent_is_asked_for_when_someone_registers_with_the_box_ticked(client):
    assert register(client, **box(where="registration")).status_code == 302
    contact = Contact.objects.get(email_key="neu@example.de")
    assert contact.user.email == "neu@example.de"
    assert asked(contact) == {("email", "cart_reminder")}
    assert OptIn.objects.get().source == "registration"
    assert agreed(contact) == set()


def test_no_one_becomes_known_when_someone_registers_without_ticking(client):
    assert register(client).status_code == 302
    assert not ConsentRecord.objects.exists()
    assert not OptIn.objects.exists()


def test_nothing_is_recorded_when_registering_fails(client):
    response = register(client, password2="anders", **box(where="registration"))
    assert response.status_code == 200
    assert not ConsentRecord.objects.exists()
    assert not OptIn.objects.exists()
    assert not Contact.objects.exists()


def test_consent_is_asked_for_when_a_guest_gives_an_address(shopper):
    data = {"username": "gast@example.de", "options": "anonymous", **box()}
    assert shopper.post(reverse("checkout:index"), data).status_code == 302
    assert asked(Contact.objects.get(email_key="gast@example.de")) == {("email", "cart_reminder")}


def test_no_consent_is_recorded_when_a_guest_does_not_tick(shopper):
    checkout.enter_as_guest(shopper, "gast@example.de")
    assert not ConsentRecord.objects.exists()
    assert not OptIn.objects.exists()


@pytest.mark.parametrize("step", ["registration", "checkout"])
def test_the_shop_goes_on_when_recording_fails(shopper, monkeypatch, caplog, step):
    secret = "what the database quotes"

    def fail(*args, **kwargs):
        raise RuntimeError(secret)

    monkeypatch.setattr(capture_module.opt_ins, "ask", fail)
    with override_settings(MIDDLEWARE=[*settings_middleware(), MIDDLEWARE]):
        if step == "registration":
            assert register(shopper, **box(where="registration")).status_code == 302
            assert get_model("auth", "User").objects.filter(email="neu@example.de").exists()
        else:
            data = {"username": "gast@example.de", "options": "anonymous", **box()}
            assert shopper.post(reverse("checkout:index"), data).status_code == 302
    assert "RuntimeError" in caplog.text
    assert secret not in caplog.text.replace('secret = "what the database quotes"', "")


# --- the middleware -------------------------------------------------------------------------------


def settings_middleware() -> list[str]:
    from django.conf import settings

    return list(settings.MIDDLEWARE)


@pytest.fixture
def with_middleware(settings):
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, MIDDLEWARE]


@pytest.mark.usefixtures("with_middleware")
class TestMiddleware:
    def test_both_channels_are_asked_for_when_a_guest_gives_an_address(self, shopper):
        checkout.enter_as_guest(shopper, "gast@example.de")
        checkout.enter_address(shopper, **box("sms"), **box("email"))
        contact = Contact.objects.get(email_key="gast@example.de")
        assert str(contact.phone) == PHONE
        assert asked(contact) == {("email", "cart_reminder"), ("sms", "cart_reminder")}
        assert set(OptIn.objects.values_list("source_url", flat=True)) == {
            "https://shop.example" + reverse("checkout:shipping-address")
        }

    def test_one_opt_in_is_kept_when_signal_and_middleware_see_the_same_form(self, shopper):
        data = {"username": "gast@example.de", "options": "anonymous", **box()}
        shopper.post(reverse("checkout:index"), data)
        register(shopper, **box(where="registration"))
        assert OptIn.objects.count() == 2
        assert Contact.objects.filter(opt_ins__isnull=False).count() == 2

    def test_nothing_is_recorded_when_the_form_has_an_error(self, shopper):
        checkout.enter_as_guest(shopper, "gast@example.de")
        checkout.make_country()
        data = {"first_name": "", **box("sms")}
        assert shopper.post(reverse("checkout:shipping-address"), data).status_code == 200
        assert not ConsentRecord.objects.exists()
        assert not OptIn.objects.exists()

    @pytest.mark.parametrize("phone", ["", "+49 30 123456"])
    def test_only_email_is_asked_for_when_the_number_cannot_get_sms(self, shopper, phone):
        checkout.enter_as_guest(shopper, "gast@example.de")
        checkout.enter_address(shopper, phone=phone, **box("sms"), **box("email"))
        contact = Contact.objects.get(email_key="gast@example.de")
        assert asked(contact) == {("email", "cart_reminder")}

    def test_an_older_number_gets_no_yes_when_the_new_form_was_turned_away(self, shopper):
        checkout.enter_as_guest(shopper, "gast@example.de")
        checkout.enter_address(shopper)
        get_model("basket", "Line").objects.all().delete()
        data = {"phone_number": "+49 160 5555555", "country": "DE", **box("sms")}
        assert shopper.post(reverse("checkout:shipping-address"), data).status_code == 302
        assert not OptIn.objects.filter(channel="sms").exists()

    def test_a_member_is_recorded_with_the_number_of_the_form(self, shopper):
        user = make_user("kundin@example.de")
        shopper.force_login(user)
        checkout.enter_address(shopper, **box("sms"))
        contact = Contact.objects.get(user=user)
        assert (str(contact.phone), asked(contact)) == (PHONE, {("sms", "cart_reminder")})

    def test_a_members_new_number_takes_the_place_when_agreed_to(self, shopper):
        user = make_user("kundin@example.de")
        contact = resolve(user_id=user.pk, email=user.email, phone="+4916011111111", country="DE")
        say(contact, "granted", channel="sms")
        shopper.force_login(user)
        checkout.enter_address(shopper, **box("sms"))
        contact.refresh_from_db()
        assert str(contact.phone) == PHONE
        assert verify_chain(contact) == []
        assert asked(contact) == {("sms", "cart_reminder")}

    def test_a_number_of_someone_else_is_not_taken_when_a_member_types_it(self, shopper):
        other_user = make_user()
        other = make_contact(phone=PHONE, user=other_user)
        user = make_user("kundin@example.de")
        shopper.force_login(user)
        checkout.enter_address(shopper, **box("sms"))
        other.refresh_from_db()
        assert str(other.phone) == PHONE
        assert not OptIn.objects.filter(channel="sms").exists()

    def test_a_strangers_number_gets_no_yes_when_a_guest_types_a_known_address(self, shopper):
        known = make_contact("bekannt@example.de", phone="+4916011111111", user=make_user())
        checkout.enter_as_guest(shopper, "bekannt@example.de")
        checkout.enter_address(shopper, **box("sms"))
        known.refresh_from_db()
        assert str(known.phone) == "+4916011111111"
        assert agreed(known) == asked(known) == set()

    def test_no_query_is_made_when_a_form_has_no_boxes(self, rf, django_assert_num_queries):
        middleware = ConsentMiddleware(lambda request: HttpResponse(status=302))
        with django_assert_num_queries(0):
            assert middleware(rf.post("/", {"a": "b"})).status_code == 302
            assert middleware(rf.get("/", box_without_queries())).status_code == 302

    @pytest.mark.parametrize("status", [200, 301, 307, 400, 403, 500])
    def test_nothing_is_recorded_when_the_shop_did_not_accept_the_form(self, status):
        user = make_user()
        middleware = ConsentMiddleware(lambda request: HttpResponse(status=status))
        middleware(post(box(), user=user))
        assert not ConsentRecord.objects.exists()
        assert not OptIn.objects.exists()

    def test_the_answer_is_given_when_the_body_cannot_be_read(self, rf):
        def view(request):
            request.read(3)
            return HttpResponse(status=302)

        response = ConsentMiddleware(view)(rf.post("/", {"a": "b"}))
        assert response.status_code == 302


def box_without_queries() -> dict[str, str]:
    return {"recovery_consent_email": "yes"}


def test_capture_makes_no_contact_when_nothing_is_ticked(django_assert_num_queries):
    user = make_user()
    with django_assert_num_queries(0):
        assert capture_registration(post({}), user) == []


def test_times_are_those_of_the_click_when_recorded():
    before = timezone.now()
    capture(post(box()), contact=make_contact(), where="checkout")
    assert before <= OptIn.objects.get().requested_at <= timezone.now()
