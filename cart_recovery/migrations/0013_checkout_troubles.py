import importlib

import django.db.models.deletion
from django.db import migrations, models

#: added to the groups of 0008 that are still there
ROLES = {
    "Recovery analyst": ["view_checkouttrouble"],
    "Recovery support": ["view_checkouttrouble"],
}


def extend_roles(apps, schema_editor):
    importlib.import_module("cart_recovery.migrations.0008_staff_roles").extend_roles(
        apps, schema_editor, ROLES
    )


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0012_reviews'),
        ('auth', '__first__'),
        ('contenttypes', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='CheckoutTrouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('payment_refused', 'payment refused'), ('payment_error', 'error while paying'), ('order_error', 'error while placing the order'), ('other', 'another error at checkout')], max_length=32, verbose_name='kind')),
                ('reason', models.CharField(blank=True, db_default='', default='', max_length=64, verbose_name='reason')),
                ('stage', models.CharField(blank=True, db_default='', default='', max_length=64, verbose_name='page')),
                ('occurred_at', models.DateTimeField(verbose_name='happened')),
                ('cart', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='troubles', to='cart_recovery.trackedcart', verbose_name='cart')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='troubles', to='cart_recovery.contact', verbose_name='contact')),
            ],
            options={
                'verbose_name': 'trouble at checkout',
                'verbose_name_plural': 'troubles at checkout',
                'indexes': [models.Index(fields=['occurred_at', 'id'], name='cart_recovery_trouble_period')],
            },
        ),
        # going back takes the permission along with the model
        migrations.RunPython(extend_roles, migrations.RunPython.noop),
    ]
