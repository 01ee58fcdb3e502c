"""Three groups to put staff into. Made once: what the shop's owners change in them stays.

A migration and not a step after each `migrate`: a group that an owner has deleted, or a permission
that they have taken away, must not come back with the next release.
"""

from django.apps import apps as installed_apps
from django.contrib.auth.management import create_permissions
from django.db import migrations

APP = "cart_recovery"
#: rows without anything about a person, or shown without it to who lacks `see_personal_data`
MASKED = [
    "view_campaign", "view_step", "view_variant", "view_incentive", "view_messagetemplate",
    "view_templateversion", "view_trackedcart", "view_enrolment", "view_followup", "view_message",
    "view_deliveryevent", "view_conversion", "view_contact", "view_consentstate",
    "view_consentwording", "view_optin", "view_notice", "view_suppression",
    "view_suppressionchange", "view_dailyfigure", "view_rolledday", "view_heartbeat",
    "view_channelstatus",
]  # fmt: skip
EDITED = ["campaign", "step", "variant", "incentive", "messagetemplate"]
ROLES = {
    # texts, campaigns and their mix; sees results and stories, names and addresses masked
    "Recovery editor": [
        *[f"{action}_{model}" for model in EDITED for action in ("view", "add", "change", "delete")],
        "view_templateversion", "activate_campaign", "view_dailyfigure", "view_rolledday",
        "view_followup", "view_heartbeat", "view_channelstatus", "change_channelstatus",
    ],
    # sees everything, names and addresses masked; changes nothing
    "Recovery analyst": MASKED,
    # answers people: sees who they are, stops or repeats messages, hands out and erases data
    "Recovery support": [
        "see_personal_data", "view_contact", "change_contact", "export_contact", "erase_contact",
        "view_consentrecord", "view_consentstate", "view_consentwording", "view_optin",
        "view_notice", "view_trackedcart", "view_enrolment", "view_followup", "change_followup",
        "view_message", "change_message", "view_deliveryevent", "view_conversion", "view_reply",
        "view_suppression", "add_suppression", "lift_suppression", "view_suppressionchange",
    ],
}  # fmt: skip


def make_roles(apps, schema_editor):
    alias = schema_editor.connection.alias
    apps, ours = _permissions(apps, alias)
    Group = apps.get_model("auth", "Group")
    for name, codenames in ROLES.items():
        group, is_new = Group.objects.using(alias).get_or_create(name=name)
        if is_new:
            group.permissions.set([ours[codename] for codename in codenames])


def extend_roles(apps, schema_editor, roles):
    """For later migrations: add permissions to those of the groups that are still there."""
    alias = schema_editor.connection.alias
    apps, ours = _permissions(apps, alias)
    for group in apps.get_model("auth", "Group").objects.using(alias).filter(name__in=roles):
        group.permissions.add(*[ours[codename] for codename in roles[group.name]])


def _permissions(apps, alias):
    """The apps to go on with, and our permissions by codename."""
    permission_fields = {field.name for field in apps.get_model("auth", "Permission")._meta.get_fields()}
    if "content_type" not in permission_fields:
        # apps without migrations come here without their relations; their tables are those of now
        apps = installed_apps
    _make_permissions(apps, alias)
    Permission = apps.get_model("auth", "Permission")
    return apps, {
        permission.codename: permission
        for permission in Permission.objects.using(alias).filter(content_type__app_label=APP)
    }


def _make_permissions(apps, alias):
    """Django makes permissions after all migrations: on a fresh database there are none yet."""
    config = apps.get_app_config(APP)
    if not hasattr(config, "models_module"):
        # the stand-in for an app that migrations get has none, and then Django makes no permissions
        config.models_module = True
    create_permissions(config, apps=apps, verbosity=0, interactive=False, using=alias)


class Migration(migrations.Migration):

    dependencies = [
        ("cart_recovery", "0007_list_indexes"),
        ("auth", "__first__"),
        ("contenttypes", "__first__"),
    ]

    operations = [
        # going back leaves the groups, and with them who is in them
        migrations.RunPython(make_roles, migrations.RunPython.noop),
    ]
