import cart_recovery.models.messages
import cart_recovery.models.reasons
import cart_recovery.provider_events
import django.core.validators
import django.db.models.deletion
import phonenumber_field.modelfields
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("basket", "__first__"),
        ("offer", "__first__"),
        ("order", "__first__"),
        ("voucher", "__first__"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Campaign",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(unique=True, verbose_name="code")),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "trigger",
                    models.CharField(
                        choices=[
                            ("basket_abandoned", "basket abandoned"),
                            ("checkout_abandoned", "checkout abandoned"),
                        ],
                        max_length=32,
                        verbose_name="trigger",
                    ),
                ),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("cart_reminder", "cart reminders"),
                            ("order_status", "order status"),
                            ("review_request", "review requests"),
                            ("promotion", "offers"),
                            ("tracking", "measuring opens and clicks"),
                        ],
                        default="cart_reminder",
                        max_length=32,
                        verbose_name="purpose",
                    ),
                ),
                ("is_active", models.BooleanField(default=False, verbose_name="active")),
                (
                    "activated_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="Carts that were last touched before this moment are never followed up.",
                        null=True,
                        verbose_name="active since",
                    ),
                ),
                (
                    "priority",
                    models.PositiveSmallIntegerField(default=100, verbose_name="priority"),
                ),
                (
                    "max_age",
                    models.DurationField(
                        blank=True, null=True, verbose_name="maximum age of a cart"
                    ),
                ),
                (
                    "attribution_window",
                    models.DurationField(blank=True, null=True, verbose_name="attribution window"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "campaign",
                "verbose_name_plural": "campaigns",
                "ordering": ["priority", "pk"],
            },
        ),
        migrations.CreateModel(
            name="ChannelStatus",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, unique=True, verbose_name="channel")),
                ("paused_at", models.DateTimeField(blank=True, null=True, verbose_name="paused")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "not_before",
                    models.DateTimeField(blank=True, null=True, verbose_name="waits until"),
                ),
            ],
            options={
                "verbose_name": "channel status",
                "verbose_name_plural": "channel states",
            },
        ),
        migrations.CreateModel(
            name="Heartbeat",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("stage", models.CharField(max_length=32, unique=True, verbose_name="stage")),
                ("ran_at", models.DateTimeField(verbose_name="last run")),
                ("result", models.JSONField(default=dict, verbose_name="result")),
            ],
            options={
                "verbose_name": "heartbeat",
                "verbose_name_plural": "heartbeats",
            },
        ),
        migrations.CreateModel(
            name="WebhookPayload",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("body", models.TextField(verbose_name="content")),
                (
                    "received_at",
                    models.DateTimeField(auto_now_add=True, db_index=True, verbose_name="received"),
                ),
                ("accepted", models.PositiveIntegerField(default=0, verbose_name="understood")),
                ("rejected", models.PositiveIntegerField(default=0, verbose_name="not understood")),
            ],
            options={
                "verbose_name": "webhook",
                "verbose_name_plural": "webhooks",
            },
        ),
        migrations.CreateModel(
            name="ConsentWording",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(verbose_name="code")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("version", models.PositiveIntegerField(default=1, verbose_name="version")),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("purposes", models.JSONField(default=list, verbose_name="purposes")),
                ("text", models.TextField(verbose_name="text")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "consent wording",
                "verbose_name_plural": "consent wordings",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "language", "version"), name="cart_recovery_wording_version"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Contact",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "email",
                    models.EmailField(blank=True, max_length=254, verbose_name="e-mail address"),
                ),
                (
                    "email_key",
                    models.CharField(
                        blank=True, editable=False, max_length=254, null=True, unique=True
                    ),
                ),
                (
                    "phone",
                    phonenumber_field.modelfields.PhoneNumberField(
                        blank=True,
                        max_length=128,
                        null=True,
                        region=None,
                        unique=True,
                        verbose_name="phone number",
                    ),
                ),
                ("language", models.CharField(blank=True, max_length=16, verbose_name="language")),
                ("country", models.CharField(blank=True, max_length=2, verbose_name="country")),
                (
                    "time_zone",
                    models.CharField(blank=True, max_length=64, verbose_name="time zone"),
                ),
                (
                    "preferred_channel",
                    models.CharField(blank=True, max_length=32, verbose_name="preferred channel"),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
                ("erased_at", models.DateTimeField(blank=True, null=True, verbose_name="erased")),
                (
                    "merged_into",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="merged_contacts",
                        to="cart_recovery.contact",
                        verbose_name="merged into",
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="user",
                    ),
                ),
            ],
            options={
                "verbose_name": "contact",
                "verbose_name_plural": "contacts",
            },
        ),
        migrations.CreateModel(
            name="ConsentRecord",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("sequence", models.PositiveIntegerField(verbose_name="number")),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("cart_reminder", "cart reminders"),
                            ("order_status", "order status"),
                            ("review_request", "review requests"),
                            ("promotion", "offers"),
                            ("tracking", "measuring opens and clicks"),
                        ],
                        max_length=32,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[("granted", "granted"), ("withdrawn", "withdrawn")],
                        max_length=16,
                        verbose_name="action",
                    ),
                ),
                ("address_digest", models.CharField(max_length=64, verbose_name="address hash")),
                ("source", models.CharField(max_length=64, verbose_name="source")),
                ("source_url", models.CharField(blank=True, max_length=500, verbose_name="page")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded")),
                (
                    "previous_hash",
                    models.CharField(blank=True, max_length=64, verbose_name="previous checksum"),
                ),
                ("hash", models.CharField(max_length=64, verbose_name="checksum")),
                (
                    "wording",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cart_recovery.consentwording",
                        verbose_name="consent wording",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_records",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent record",
                "verbose_name_plural": "consent records",
            },
        ),
        migrations.CreateModel(
            name="ConsentChain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("length", models.PositiveIntegerField(default=0, verbose_name="length")),
                ("head_hash", models.CharField(blank=True, max_length=64, verbose_name="checksum")),
                (
                    "contact",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="consent_chain",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent chain",
                "verbose_name_plural": "consent chains",
            },
        ),
        migrations.CreateModel(
            name="Enrolment",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("completed", "completed"),
                            ("stopped", "stopped"),
                        ],
                        default="active",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=cart_recovery.models.reasons.reason_choices,
                        max_length=64,
                        verbose_name="reason",
                    ),
                ),
                ("clock_at", models.DateTimeField(verbose_name="clock started")),
                ("enrolled_at", models.DateTimeField(verbose_name="enrolled")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrolments",
                        to="cart_recovery.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="enrolments",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "enrolment",
                "verbose_name_plural": "enrolments",
            },
        ),
        migrations.CreateModel(
            name="FollowUp",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("planned", "planned"),
                            ("claimed", "being worked on"),
                            ("done", "message made"),
                            ("skipped", "skipped"),
                            ("missed", "too late"),
                            ("cancelled", "cancelled"),
                        ],
                        default="planned",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        blank=True,
                        choices=cart_recovery.models.reasons.reason_choices,
                        max_length=64,
                        verbose_name="reason",
                    ),
                ),
                ("planned_for", models.DateTimeField(verbose_name="planned for")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("claim_token", models.CharField(blank=True, max_length=32, verbose_name="claim")),
                (
                    "lease_until",
                    models.DateTimeField(blank=True, null=True, verbose_name="claimed until"),
                ),
                (
                    "choice_reason",
                    models.CharField(
                        blank=True, max_length=64, verbose_name="reason of the choice"
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=0, verbose_name="attempts")),
                ("ended_at", models.DateTimeField(blank=True, null=True, verbose_name="ended")),
                (
                    "enrolment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="followups",
                        to="cart_recovery.enrolment",
                        verbose_name="enrolment",
                    ),
                ),
            ],
            options={
                "verbose_name": "follow-up",
                "verbose_name_plural": "follow-ups",
            },
        ),
        migrations.CreateModel(
            name="Incentive",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=100, verbose_name="name")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("percentage", "percentage"),
                            ("fixed_amount", "fixed amount"),
                            ("free_shipping", "free shipping"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                (
                    "value",
                    models.DecimalField(
                        decimal_places=2,
                        default=0,
                        help_text="Per cent or amount; without meaning for free shipping.",
                        max_digits=12,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="value",
                    ),
                ),
                (
                    "minimum_basket",
                    models.DecimalField(
                        blank=True,
                        decimal_places=2,
                        max_digits=12,
                        null=True,
                        validators=[django.core.validators.MinValueValidator(0)],
                        verbose_name="minimum basket",
                    ),
                ),
                ("valid_for", models.DurationField(verbose_name="valid for")),
                (
                    "offer",
                    models.ForeignKey(
                        blank=True,
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="offer.conditionaloffer",
                    ),
                ),
            ],
            options={
                "verbose_name": "incentive",
                "verbose_name_plural": "incentives",
            },
        ),
        migrations.CreateModel(
            name="Message",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "public_id",
                    models.CharField(
                        default=cart_recovery.models.messages.new_public_id,
                        editable=False,
                        max_length=32,
                        unique=True,
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("sending", "being handed over"),
                            ("retry", "will be tried again"),
                            ("unknown", "outcome unknown"),
                            ("sent", "accepted by the provider"),
                            ("deferred", "delayed at the provider"),
                            ("delivered", "delivered"),
                            ("failed", "failed"),
                            ("bounced", "bounced"),
                            ("complained", "marked as spam"),
                            ("withdrawn", "withdrawn before sending"),
                        ],
                        default="sending",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=64, verbose_name="reason")),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="detail")),
                ("to_address", models.CharField(max_length=254, verbose_name="recipient")),
                (
                    "address_digest",
                    models.CharField(db_index=True, max_length=64, verbose_name="address hash"),
                ),
                ("subject", models.CharField(blank=True, max_length=255, verbose_name="subject")),
                ("html", models.TextField(blank=True, verbose_name="HTML")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                (
                    "sms_parts",
                    models.PositiveSmallIntegerField(default=0, verbose_name="SMS parts"),
                ),
                (
                    "provider_message_id",
                    models.CharField(
                        blank=True, db_index=True, max_length=128, verbose_name="provider's id"
                    ),
                ),
                ("attempts", models.PositiveSmallIntegerField(default=1, verbose_name="attempts")),
                ("sending_at", models.DateTimeField(verbose_name="handed over")),
                ("sent_at", models.DateTimeField(blank=True, null=True, verbose_name="accepted")),
                (
                    "delivered_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="delivered"),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="messages",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "followup",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="message",
                        to="cart_recovery.followup",
                        verbose_name="follow-up",
                    ),
                ),
            ],
            options={
                "verbose_name": "message",
                "verbose_name_plural": "messages",
            },
        ),
        migrations.CreateModel(
            name="DeliveryEvent",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            (cart_recovery.provider_events.EventKind["ACCEPTED"], "accepted"),
                            (cart_recovery.provider_events.EventKind["SENT"], "sent on"),
                            (cart_recovery.provider_events.EventKind["DELIVERED"], "delivered"),
                            (
                                cart_recovery.provider_events.EventKind["DEFERRED"],
                                "delayed at the provider",
                            ),
                            (cart_recovery.provider_events.EventKind["BOUNCED"], "bounced"),
                            (
                                cart_recovery.provider_events.EventKind["COMPLAINED"],
                                "marked as spam",
                            ),
                            (
                                cart_recovery.provider_events.EventKind["UNSUBSCRIBED"],
                                "unsubscribed at the provider",
                            ),
                            (cart_recovery.provider_events.EventKind["OPENED"], "opened"),
                            (cart_recovery.provider_events.EventKind["CLICKED"], "clicked"),
                            (cart_recovery.provider_events.EventKind["FAILED"], "failed"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="occurred")),
                ("received_at", models.DateTimeField(auto_now_add=True, verbose_name="received")),
                ("dedupe_key", models.CharField(max_length=100, unique=True)),
                ("code", models.CharField(blank=True, max_length=64, verbose_name="code")),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="detail")),
                ("is_machine", models.BooleanField(default=False, verbose_name="by a machine")),
                (
                    "message",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="events",
                        to="cart_recovery.message",
                        verbose_name="message",
                    ),
                ),
            ],
            options={
                "verbose_name": "delivery event",
                "verbose_name_plural": "delivery events",
            },
        ),
        migrations.CreateModel(
            name="MessageTemplate",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.SlugField(verbose_name="code")),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("language", models.CharField(max_length=16, verbose_name="language")),
                ("subject", models.CharField(blank=True, max_length=255, verbose_name="subject")),
                (
                    "preheader",
                    models.CharField(blank=True, max_length=255, verbose_name="preheader"),
                ),
                ("html", models.TextField(blank=True, verbose_name="HTML")),
                ("text", models.TextField(blank=True, verbose_name="text")),
                ("updated_at", models.DateTimeField(auto_now=True, verbose_name="changed")),
            ],
            options={
                "verbose_name": "template",
                "verbose_name_plural": "templates",
                "ordering": ["code", "channel", "language"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("code", "channel", "language"), name="cart_recovery_template_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="Reply",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("sender", models.CharField(max_length=64, verbose_name="sender")),
                ("body", models.TextField(verbose_name="text")),
                (
                    "keyword",
                    models.CharField(blank=True, max_length=16, verbose_name="understood as"),
                ),
                (
                    "provider_message_id",
                    models.CharField(max_length=128, unique=True, verbose_name="provider's id"),
                ),
                ("received_at", models.DateTimeField(auto_now_add=True, verbose_name="received")),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="replies",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "reply",
                "verbose_name_plural": "replies",
            },
        ),
        migrations.CreateModel(
            name="RestoreLink",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("token_hash", models.CharField(max_length=64, unique=True)),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("contents", models.JSONField(default=list)),
                (
                    "clicked_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="followed"),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="restore_links",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "followup",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="restore_links",
                        to="cart_recovery.followup",
                        verbose_name="follow-up",
                    ),
                ),
                (
                    "restored_basket",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="basket.basket",
                        verbose_name="restored basket",
                    ),
                ),
            ],
            options={
                "verbose_name": "restore link",
                "verbose_name_plural": "restore links",
            },
        ),
        migrations.CreateModel(
            name="LinkClick",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("visit", models.CharField(max_length=32)),
                ("clicked_at", models.DateTimeField(verbose_name="clicked")),
                ("is_machine", models.BooleanField(default=False, verbose_name="by a machine")),
                (
                    "basket",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="basket.basket",
                        verbose_name="basket",
                    ),
                ),
                (
                    "link",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="clicks",
                        to="cart_recovery.restorelink",
                        verbose_name="restore link",
                    ),
                ),
            ],
            options={
                "verbose_name": "click",
                "verbose_name_plural": "clicks",
            },
        ),
        migrations.CreateModel(
            name="Step",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("position", models.PositiveSmallIntegerField(default=1, verbose_name="position")),
                (
                    "delay",
                    models.DurationField(
                        help_text="Counted from the last activity.", verbose_name="delay"
                    ),
                ),
                (
                    "missed_after",
                    models.DurationField(blank=True, null=True, verbose_name="too late after"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="steps",
                        to="cart_recovery.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "incentive",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="steps",
                        to="cart_recovery.incentive",
                        verbose_name="incentive",
                    ),
                ),
            ],
            options={
                "verbose_name": "step",
                "verbose_name_plural": "steps",
                "ordering": ["campaign", "position"],
            },
        ),
        migrations.AddField(
            model_name="followup",
            name="step",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="followups",
                to="cart_recovery.step",
                verbose_name="step",
            ),
        ),
        migrations.CreateModel(
            name="Suppression",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("address_digest", models.CharField(max_length=64, verbose_name="address hash")),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            (
                                cart_recovery.provider_events.SuppressionReason["HARD_BOUNCE"],
                                "hard bounce",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["COMPLAINT"],
                                "complaint",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["CARRIER_BLOCK"],
                                "blocked by the carrier",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["INVALID_ADDRESS"],
                                "invalid address",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["UNSUBSCRIBED"],
                                "unsubscribed at the provider",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["STOP_REPLY"],
                                "STOP by reply",
                            ),
                            (
                                cart_recovery.provider_events.SuppressionReason["STAFF"],
                                "set by staff",
                            ),
                        ],
                        max_length=32,
                        verbose_name="reason",
                    ),
                ),
                ("source", models.CharField(blank=True, max_length=64, verbose_name="source")),
                ("created_at", models.DateTimeField(auto_now_add=True, verbose_name="created")),
            ],
            options={
                "verbose_name": "suppression",
                "verbose_name_plural": "suppressions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("channel", "address_digest"),
                        name="cart_recovery_suppression_address",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="TrackedCart",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("active", "active"),
                            ("abandoned", "abandoned"),
                            ("ordered", "ordered"),
                            ("emptied", "emptied"),
                            ("merged", "merged into another basket"),
                            ("deleted", "deleted"),
                            ("excluded", "left out"),
                        ],
                        db_default="active",
                        default="active",
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                (
                    "stage",
                    models.CharField(
                        choices=[("basket", "basket"), ("checkout", "checkout")],
                        db_default="basket",
                        default="basket",
                        max_length=16,
                        verbose_name="stage",
                    ),
                ),
                (
                    "state_reason",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("saved", "saved for later"),
                            ("machine", "made by a machine"),
                            ("machine_address", "the address belongs to a machine"),
                            ("too_many_carts", "too many carts of one address in a short time"),
                        ],
                        db_default="",
                        default="",
                        max_length=64,
                        verbose_name="reason",
                    ),
                ),
                (
                    "language",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=16,
                        verbose_name="language",
                    ),
                ),
                (
                    "is_machine",
                    models.BooleanField(
                        db_default=False, default=False, verbose_name="made by a machine"
                    ),
                ),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("last_activity_at", models.DateTimeField(verbose_name="last activity")),
                (
                    "abandoned_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="abandoned"),
                ),
                ("closed_at", models.DateTimeField(blank=True, null=True, verbose_name="closed")),
                (
                    "credited_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="crediting done"),
                ),
                (
                    "line_count",
                    models.PositiveIntegerField(db_default=0, default=0, verbose_name="lines"),
                ),
                (
                    "total",
                    models.DecimalField(
                        blank=True, decimal_places=2, max_digits=12, null=True, verbose_name="total"
                    ),
                ),
                (
                    "currency",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        max_length=12,
                        verbose_name="currency",
                    ),
                ),
                (
                    "basket",
                    models.OneToOneField(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="basket.basket",
                        verbose_name="basket",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="carts",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="order.order",
                        verbose_name="order",
                    ),
                ),
            ],
            options={
                "verbose_name": "cart",
                "verbose_name_plural": "carts",
            },
        ),
        migrations.AddField(
            model_name="restorelink",
            name="cart",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="restore_links",
                to="cart_recovery.trackedcart",
                verbose_name="cart",
            ),
        ),
        migrations.AddField(
            model_name="enrolment",
            name="cart",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="enrolments",
                to="cart_recovery.trackedcart",
                verbose_name="cart",
            ),
        ),
        migrations.CreateModel(
            name="Conversion",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "order_number",
                    models.CharField(max_length=128, unique=True, verbose_name="order number"),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                (
                    "basis",
                    models.CharField(
                        choices=[
                            ("restored_basket", "the restored basket was ordered"),
                            ("click", "ordered after a click"),
                        ],
                        max_length=16,
                        verbose_name="credited because",
                    ),
                ),
                (
                    "amount",
                    models.DecimalField(decimal_places=2, max_digits=12, verbose_name="amount"),
                ),
                (
                    "refunded_amount",
                    models.DecimalField(
                        db_default=0,
                        decimal_places=2,
                        default=0,
                        max_digits=12,
                        verbose_name="refunded",
                    ),
                ),
                ("currency", models.CharField(max_length=12, verbose_name="currency")),
                ("credited_at", models.DateTimeField(verbose_name="credited")),
                (
                    "reversed_at",
                    models.DateTimeField(blank=True, null=True, verbose_name="taken back"),
                ),
                (
                    "campaign",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="conversions",
                        to="cart_recovery.campaign",
                        verbose_name="campaign",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="conversions",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="order.order",
                        verbose_name="order",
                    ),
                ),
                (
                    "message",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="conversions",
                        to="cart_recovery.message",
                        verbose_name="message",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="conversions",
                        to="cart_recovery.step",
                        verbose_name="step",
                    ),
                ),
                (
                    "cart",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="conversions",
                        to="cart_recovery.trackedcart",
                        verbose_name="cart",
                    ),
                ),
            ],
            options={
                "verbose_name": "conversion",
                "verbose_name_plural": "conversions",
            },
        ),
        migrations.CreateModel(
            name="Variant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                ("template_code", models.SlugField(verbose_name="template")),
                (
                    "weight",
                    models.PositiveSmallIntegerField(
                        default=100,
                        help_text="0: only used when the other channels cannot be.",
                        validators=[django.core.validators.MaxValueValidator(1000)],
                        verbose_name="weight",
                    ),
                ),
                (
                    "step",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="variants",
                        to="cart_recovery.step",
                        verbose_name="step",
                    ),
                ),
            ],
            options={
                "verbose_name": "variant",
                "verbose_name_plural": "variants",
                "ordering": ["step", "pk"],
            },
        ),
        migrations.AddField(
            model_name="followup",
            name="variant",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="cart_recovery.variant",
                verbose_name="variant",
            ),
        ),
        migrations.CreateModel(
            name="VoucherGrant",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("code", models.CharField(max_length=128, verbose_name="code")),
                ("expires_at", models.DateTimeField(verbose_name="expires")),
                ("created_at", models.DateTimeField(verbose_name="created")),
                ("settled_at", models.DateTimeField(blank=True, null=True, verbose_name="settled")),
                (
                    "followup",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="voucher_grant",
                        to="cart_recovery.followup",
                        verbose_name="follow-up",
                    ),
                ),
                (
                    "incentive",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="grants",
                        to="cart_recovery.incentive",
                        verbose_name="incentive",
                    ),
                ),
                (
                    "voucher",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="voucher.voucher",
                        verbose_name="voucher",
                    ),
                ),
            ],
            options={
                "verbose_name": "granted voucher",
                "verbose_name_plural": "granted vouchers",
            },
        ),
        migrations.CreateModel(
            name="ConsentState",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("channel", models.CharField(max_length=32, verbose_name="channel")),
                (
                    "purpose",
                    models.CharField(
                        choices=[
                            ("cart_reminder", "cart reminders"),
                            ("order_status", "order status"),
                            ("review_request", "review requests"),
                            ("promotion", "offers"),
                            ("tracking", "measuring opens and clicks"),
                        ],
                        max_length=32,
                        verbose_name="purpose",
                    ),
                ),
                (
                    "action",
                    models.CharField(
                        choices=[("granted", "granted"), ("withdrawn", "withdrawn")],
                        max_length=16,
                        verbose_name="state",
                    ),
                ),
                ("address_digest", models.CharField(max_length=64, verbose_name="address hash")),
                ("since", models.DateTimeField(verbose_name="since")),
                (
                    "record",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="cart_recovery.consentrecord",
                        verbose_name="consent record",
                    ),
                ),
                (
                    "contact",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consent_states",
                        to="cart_recovery.contact",
                        verbose_name="contact",
                    ),
                ),
            ],
            options={
                "verbose_name": "consent",
                "verbose_name_plural": "consents",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("contact", "channel", "purpose"), name="cart_recovery_consent_state"
                    )
                ],
            },
        ),
        migrations.AddConstraint(
            model_name="consentrecord",
            constraint=models.UniqueConstraint(
                fields=("contact", "sequence"), name="cart_recovery_consent_sequence"
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                condition=models.Q(("state", "sending")),
                fields=["sending_at"],
                name="cart_recovery_message_stuck",
            ),
        ),
        migrations.AddIndex(
            model_name="message",
            index=models.Index(
                fields=["contact", "created_at"], name="cart_recovery_message_contact"
            ),
        ),
        migrations.AddConstraint(
            model_name="linkclick",
            constraint=models.UniqueConstraint(
                fields=("link", "visit"), name="cart_recovery_click_visit"
            ),
        ),
        migrations.AddConstraint(
            model_name="step",
            constraint=models.UniqueConstraint(
                fields=("campaign", "position"), name="cart_recovery_step_position"
            ),
        ),
        migrations.AddIndex(
            model_name="trackedcart",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["stage", "last_activity_at"],
                name="cart_recovery_cart_idle",
            ),
        ),
        migrations.AddIndex(
            model_name="trackedcart",
            index=models.Index(
                condition=models.Q(("credited_at__isnull", True), ("state", "ordered")),
                fields=["closed_at"],
                name="cart_recovery_cart_credit",
            ),
        ),
        migrations.AddIndex(
            model_name="enrolment",
            index=models.Index(
                condition=models.Q(("state", "active")),
                fields=["contact"],
                name="cart_recovery_enrolment_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="enrolment",
            constraint=models.UniqueConstraint(
                fields=("campaign", "cart"), name="cart_recovery_enrolment_cart"
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("state", "planned")),
                fields=["due_at"],
                name="cart_recovery_followup_due",
            ),
        ),
        migrations.AddIndex(
            model_name="followup",
            index=models.Index(
                condition=models.Q(("state", "claimed")),
                fields=["lease_until"],
                name="cart_recovery_followup_lease",
            ),
        ),
        migrations.AddConstraint(
            model_name="followup",
            constraint=models.UniqueConstraint(
                fields=("enrolment", "step"), name="cart_recovery_followup_step"
            ),
        ),
        migrations.AddIndex(
            model_name="vouchergrant",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)),
                fields=["expires_at"],
                name="cart_recovery_grant_expired",
            ),
        ),
    ]
