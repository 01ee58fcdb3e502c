import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0010_orders'),
        ('catalogue', '__first__'),
    ]

    operations = [
        migrations.CreateModel(
            name='PairingProgress',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('counted_until', models.DateTimeField(verbose_name='counted until')),
                ('rebuilt_to', models.CharField(default='', max_length=64, null=True)),
                ('rebuilt_at', models.DateTimeField(verbose_name='rebuilt')),
            ],
            options={
                'verbose_name': 'progress of the pairing',
                'verbose_name_plural': 'progress of the pairing',
            },
        ),
        migrations.CreateModel(
            name='BoughtTogether',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('orders', models.PositiveIntegerField(verbose_name='orders')),
                ('partner', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalogue.product', verbose_name='bought with it')),
                ('product', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='+', to='catalogue.product', verbose_name='product')),
            ],
            options={
                'verbose_name': 'bought together',
                'verbose_name_plural': 'bought together',
                'constraints': [models.UniqueConstraint(fields=('product', 'partner'), name='cart_recovery_bought_together')],
            },
        ),
    ]
