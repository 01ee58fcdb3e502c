from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0014_seen_status'),
    ]

    operations = [
        migrations.AddField(
            model_name='trackedorder',
            name='named_digest',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=64),
        ),
    ]
