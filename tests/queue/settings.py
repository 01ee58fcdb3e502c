"""The test project as queue workers see it: the test's own database, real channels, short times."""

from __future__ import annotations

import os

from tests.settings import *  # noqa: F403
from tests.settings import CART_RECOVERY, DATABASES, Q_CLUSTER

DATABASES["default"]["NAME"] = os.environ["QUEUE_TEST_DATABASE"]
Q_CLUSTER |= {"name": os.environ["QUEUE_TEST_NAME"], "workers": 2, "queue_limit": 2, "poll": 0.1}
if os.environ["QUEUE_TEST_BROKER"] == "redis":
    Q_CLUSTER.pop("orm", None)
    Q_CLUSTER["redis"] = os.environ["REDIS_URL"]
else:
    Q_CLUSTER.pop("redis", None)
    Q_CLUSTER["orm"] = "default"

from sandbox_shop.simulators import defaults  # noqa: E402 after the settings it stands beside

CART_RECOVERY |= {
    "CHANNELS": {
        "email": {
            "BACKEND": "cart_recovery.channels.sendgrid.SendGridChannel",
            "OPTIONS": {
                "API_KEY": defaults.DEFAULT_SENDGRID_KEY,
                "BASE_URL": os.environ["QUEUE_TEST_PROVIDERS"],
                "CONCURRENCY": int(os.environ.get("QUEUE_TEST_CONCURRENCY", "4")),
                "TIMEOUT": 30,
            },
        },
    },
    "BATCH_SIZE": int(os.environ.get("QUEUE_TEST_BATCH", "500")),
}
