"""Queue workers as the health page sees them: a real cluster, on both brokers."""

from __future__ import annotations

import pytest

from tests.queue.cluster import Project, wait_until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.queue]

LOOK = (
    "from cart_recovery.tasks import queue_state\n"
    "import socket\n"
    "found = queue_state()\n"
    "print(found.broker_error or (found.workers and found.workers.get(socket.gethostname())))"
)


def look(project: Project) -> str:
    done = project.run(LOOK)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.redis
def test_cluster_on_redis_is_seen_while_it_lives() -> None:
    project = Project(broker="redis", providers="http://127.0.0.1:9")
    assert look(project) in ("None", "{}")
    with project.cluster():
        wait_until(lambda: look(project) == "2")
    wait_until(lambda: look(project) in ("None", "{}"))


def test_cluster_on_the_database_cannot_be_seen_through_a_private_cache() -> None:
    project = Project(broker="orm", providers="http://127.0.0.1:9")
    with project.cluster() as cluster:
        cluster.wait_until_started()
        assert look(project) == "None"
