

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('cart_recovery', '0009_rolling'),
        ('order', '__first__'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='campaign',
            name='starts_with',
            field=models.CharField(choices=[('placed', 'placed'), ('shipped', 'shipped'), ('delivered', 'delivered')], db_default='delivered', default='delivered', max_length=16, verbose_name='starts when the order is'),
        ),
        migrations.AddField(
            model_name='campaign',
            name='thanks',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='cart_recovery.incentive', verbose_name='thanks for a review'),
        ),
        migrations.AddField(
            model_name='enrolment',
            name='key',
            field=models.CharField(blank=True, db_default='', default='', editable=False, max_length=32),
        ),
        migrations.AddField(
            model_name='messagetemplate',
            name='about',
            field=models.CharField(choices=[('cart', 'a basket'), ('order', 'an order')], db_default='cart', default='cart', max_length=16, verbose_name='about'),
        ),
        migrations.AlterField(
            model_name='campaign',
            name='trigger',
            field=models.CharField(choices=[('basket_abandoned', 'basket abandoned'), ('checkout_abandoned', 'checkout abandoned'), ('checkout_trouble', 'trouble at checkout'), ('order_unpaid', 'order not paid'), ('order_shipped', 'order shipped'), ('order_partly_shipped', 'order partly shipped'), ('order_delivered', 'order delivered'), ('order_delayed', 'order delayed'), ('order_returned', 'return received'), ('order_refunded', 'refund paid'), ('review_request', 'review request'), ('cross_sell', 'suggestions after a purchase')], max_length=32, verbose_name='trigger'),
        ),
        migrations.AlterField(
            model_name='enrolment',
            name='cart',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='cart_recovery.trackedcart', verbose_name='cart'),
        ),
        migrations.CreateModel(
            name='EnrolledLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('quantity', models.PositiveIntegerField(default=1, verbose_name='quantity')),
                ('enrolment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='cart_recovery.enrolment', verbose_name='enrolment')),
                ('line', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.line', verbose_name='line')),
            ],
            options={
                'verbose_name': 'line of an enrolment',
                'verbose_name_plural': 'lines of enrolments',
            },
        ),
        migrations.CreateModel(
            name='StaffTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('low_rating', 'an unhappy customer'), ('unpaid_order', 'an order that stays unpaid')], max_length=32, verbose_name='kind')),
                ('opened_at', models.DateTimeField(verbose_name='opened')),
                ('closed_at', models.DateTimeField(blank=True, null=True, verbose_name='closed')),
                ('note', models.TextField(blank=True, verbose_name='note')),
                ('closed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='closed by')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='tasks', to='cart_recovery.contact', verbose_name='contact')),
                ('order', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'task',
                'verbose_name_plural': 'tasks',
            },
        ),
        migrations.CreateModel(
            name='TrackedOrder',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('language', models.CharField(blank=True, db_default='', default='', max_length=16, verbose_name='language')),
                ('created_at', models.DateTimeField(verbose_name='created')),
                ('changed_at', models.DateTimeField(blank=True, null=True, verbose_name='changed')),
                ('contact', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='orders', to='cart_recovery.contact', verbose_name='contact')),
                ('order', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.order', verbose_name='order')),
            ],
            options={
                'verbose_name': 'tracked order',
                'verbose_name_plural': 'tracked orders',
            },
        ),
        migrations.CreateModel(
            name='OrderMilestone',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('placed', 'placed'), ('shipped', 'shipped'), ('delivered', 'delivered'), ('delayed', 'delayed'), ('returned', 'return received'), ('refunded', 'refund paid'), ('cancelled', 'cancelled')], max_length=16, verbose_name='kind')),
                ('quantity', models.PositiveIntegerField(default=0, verbose_name='quantity')),
                ('key', models.CharField(default='', max_length=64)),
                ('group', models.CharField(max_length=32)),
                ('is_complete', models.BooleanField(default=False, verbose_name='whole order')),
                ('reached_at', models.DateTimeField(verbose_name='reached')),
                ('line', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='order.line', verbose_name='line')),
                ('tracked', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='milestones', to='cart_recovery.trackedorder', verbose_name='order')),
            ],
            options={
                'verbose_name': 'milestone',
                'verbose_name_plural': 'milestones',
            },
        ),
        migrations.AddField(
            model_name='enrolment',
            name='order',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.CASCADE, related_name='enrolments', to='cart_recovery.trackedorder', verbose_name='order'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.UniqueConstraint(fields=('campaign', 'order', 'key'), name='cart_recovery_enrolment_order'),
        ),
        migrations.AddConstraint(
            model_name='enrolment',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('cart__isnull', False), ('order__isnull', True)), models.Q(('cart__isnull', True), ('order__isnull', False)), _connector='OR'), name='cart_recovery_enrolment_subject'),
        ),
        migrations.AddConstraint(
            model_name='enrolledline',
            constraint=models.UniqueConstraint(fields=('enrolment', 'line'), name='cart_recovery_enrolled_line'),
        ),
        migrations.AddIndex(
            model_name='stafftask',
            index=models.Index(condition=models.Q(('closed_at__isnull', True)), fields=['opened_at', 'id'], name='cart_recovery_task_open'),
        ),
        migrations.AddIndex(
            model_name='stafftask',
            index=models.Index(fields=['opened_at', 'id'], name='cart_recovery_task_period'),
        ),
        migrations.AddConstraint(
            model_name='stafftask',
            constraint=models.UniqueConstraint(fields=('kind', 'order'), name='cart_recovery_task_once'),
        ),
        migrations.AddIndex(
            model_name='trackedorder',
            index=models.Index(condition=models.Q(('changed_at__isnull', False)), fields=['changed_at'], name='cart_recovery_order_changed'),
        ),
        migrations.AddIndex(
            model_name='trackedorder',
            index=models.Index(fields=['created_at'], name='cart_recovery_order_period'),
        ),
        migrations.AddConstraint(
            model_name='ordermilestone',
            constraint=models.UniqueConstraint(fields=('tracked', 'kind', 'key'), name='cart_recovery_milestone_once'),
        ),
    ]
