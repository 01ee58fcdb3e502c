from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0013_checkout_troubles'),
    ]

    operations = [
        migrations.AddField(
            model_name='trackedorder',
            name='seen_status',
            field=models.CharField(blank=True, max_length=255, null=True, verbose_name='status when it was last looked at'),
        ),
    ]
