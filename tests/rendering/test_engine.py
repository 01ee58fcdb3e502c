"""The last wall: even a generated template can neither hang a worker nor reach into the engine."""

from __future__ import annotations

import pytest

from cart_recovery.exceptions import RenderingError
from cart_recovery.rendering.engine import Program

MANY = list(range(1000))


def test_worker_does_not_hang_when_a_template_runs_too_long() -> None:
    nested = "{% for a in many %}{% for b in many %}.{% endfor %}{% endfor %}"
    with pytest.raises(RenderingError):
        Program(nested, is_html=False).run({"many": MANY})


@pytest.mark.parametrize(
    "source",
    [
        "{{ range(3) }}", "{{ debug() }}", "{{ dict(a=1) }}", "{{ namespace() }}",
        "{{ 'a'|pprint }}", "{{ many|map('abs')|list }}", "{{ many|tojson }}",
        "{% if many is defined %}x{% endif %}", "{{ nothing }}", "{{ many.nothing }}",
        "{% include 'other' %}", "{% import 'other' as other %}",
    ],
)  # fmt: skip
def test_engine_refuses_when_a_template_uses_what_no_generated_one_needs(source: str) -> None:
    with pytest.raises(RenderingError):
        Program(source, is_html=False).run({"many": MANY})
