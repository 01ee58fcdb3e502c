import importlib

import django.db.models.deletion
from django.db import migrations, models

import cart_recovery.models.reviews

#: added once to the groups of 0008 that are still there; what owners take away stays away
ROLES = {
    "Recovery analyst": [
        "view_reviewlink", "view_linereview", "view_servicerating", "view_stafftask",
    ],
    "Recovery support": [
        "view_reviewlink", "view_linereview", "view_servicerating", "view_stafftask",
        "change_stafftask",
    ],
}  # fmt: skip


def extend_roles(apps, schema_editor):
    importlib.import_module("cart_recovery.migrations.0008_staff_roles").extend_roles(
        apps, schema_editor, ROLES
    )


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0011_recommendations'),
        ('order', '__first__'),
        ('reviews', '__first__'),
    ]

    operations = [
        migrations.AddField(
            model_name='vouchergrant',
            name='contact',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='thanks', to='cart_recovery.contact', verbose_name='contact'),
        ),
        migrations.AddField(
            model_name='vouchergrant',
            name='thanked_order',
            field=models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('opt_in', 'confirm a double opt-in'), ('stop_confirmed', 'the opt-out is confirmed'), ('help', 'answer to HELP'), ('data_export', "link to one's own data"), ('saved_basket', 'the basket that the person asked for'), ('test', 'a template that staff try out on themselves'), ('rating_thanks', 'thanks for a rating by reply')], max_length=32, verbose_name='kind'),
        ),
        migrations.CreateModel(
            name='ReviewLink',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('line_ids', models.JSONField(default=list, editable=False)),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('expires_at', models.DateTimeField(verbose_name='expires')),
                ('answered_at', models.DateTimeField(blank=True, null=True, verbose_name='answered')),
                ('contact', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='review_links', to='cart_recovery.contact', verbose_name='contact')),
                ('followup', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='review_links', to='cart_recovery.followup', verbose_name='follow-up')),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'review link',
                'verbose_name_plural': 'review links',
            },
        ),
        migrations.CreateModel(
            name='LineReview',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('photo', models.FileField(blank=True, max_length=200, upload_to=cart_recovery.models.reviews.photo_name, verbose_name='photo')),
                ('was_thanked', models.BooleanField(default=False, verbose_name='thanked with a voucher')),
                ('written_at', models.DateTimeField(verbose_name='written')),
                ('edited_at', models.DateTimeField(blank=True, null=True, verbose_name='changed')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='line_reviews', to='cart_recovery.contact', verbose_name='contact')),
                ('line', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.line', verbose_name='line')),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order')),
                ('review', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='reviews.productreview', verbose_name='review')),
                ('link', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='line_reviews', to='cart_recovery.reviewlink', verbose_name='review link')),
            ],
            options={
                'verbose_name': 'review of a line',
                'verbose_name_plural': 'reviews of lines',
            },
        ),
        migrations.CreateModel(
            name='ServiceRating',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('score', models.SmallIntegerField(verbose_name='rating')),
                ('best', models.SmallIntegerField(verbose_name='best rating')),
                ('worst', models.SmallIntegerField(verbose_name='worst rating')),
                ('source', models.CharField(choices=[('mail', 'tapped in the mail'), ('sms', 'reply by SMS'), ('page', 'on the review page')], max_length=16, verbose_name='how it came')),
                ('comment', models.TextField(blank=True, verbose_name='comment')),
                ('rated_at', models.DateTimeField(verbose_name='rated')),
                ('changed_at', models.DateTimeField(blank=True, null=True, verbose_name='changed')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ratings', to='cart_recovery.contact', verbose_name='contact')),
                ('followup', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='ratings', to='cart_recovery.followup', verbose_name='follow-up')),
                ('order', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'service rating',
                'verbose_name_plural': 'service ratings',
            },
        ),
        migrations.AddIndex(
            model_name='reviewlink',
            index=models.Index(fields=['expires_at'], name='cart_recovery_rlink_expired'),
        ),
        migrations.AddIndex(
            model_name='reviewlink',
            index=models.Index(fields=['created_at', 'id'], name='cart_recovery_rlink_period'),
        ),
        migrations.AddIndex(
            model_name='linereview',
            index=models.Index(fields=['written_at', 'id'], name='cart_recovery_review_period'),
        ),
        migrations.AddIndex(
            model_name='linereview',
            index=models.Index(condition=models.Q(('contact__isnull', False)), fields=['written_at'], name='cart_recovery_review_person'),
        ),
        migrations.AddIndex(
            model_name='servicerating',
            index=models.Index(fields=['rated_at', 'id'], name='cart_recovery_rating_period'),
        ),
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
