from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0005_staff_workplace'),
    ]

    operations = [
        migrations.AddField(
            model_name='notice',
            name='content',
            field=models.JSONField(blank=True, editable=False, null=True, verbose_name='content'),
        ),
        migrations.AlterField(
            model_name='notice',
            name='kind',
            field=models.CharField(choices=[('opt_in', 'confirm a double opt-in'), ('stop_confirmed', 'the opt-out is confirmed'), ('help', 'answer to HELP'), ('data_export', "link to one's own data"), ('saved_basket', 'the basket that the person asked for'), ('test', 'a template that staff try out on themselves')], max_length=32, verbose_name='kind'),
        ),
    ]
