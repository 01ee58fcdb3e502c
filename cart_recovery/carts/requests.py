"""What we know of the request that is being served in this thread or task.

Model signals carry no request, so it is kept from `request_started` to `request_finished`: whose
user agent it is, and what was tracked already, so that several changes make one statement.
"""

from __future__ import annotations

import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final

from django.http import HttpRequest

from cart_recovery.conf import conf
from cart_recovery.shop.customers import submitted_basket_id

#: phones of the make Cubot carry the name in their user agents
NOT_A_BOT: Final = re.compile(r"cubot", re.IGNORECASE)


@dataclass(slots=True, eq=False)
class RequestContext:
    user_agent: str
    #: basket id -> what the last statement for it wrote (carts.tracking)
    touched: dict[Any, Any] = field(default_factory=dict)
    #: order id -> marker of the change that was written down (orders.tracking)
    changed: dict[Any, Any] = field(default_factory=dict)
    #: the payment that was begun in this request (carts.troubles)
    attempt: Any = None
    #: basket id -> marker of the trouble that was written down (carts.troubles)
    troubled: dict[Any, Any] = field(default_factory=dict)
    _is_machine: bool | None = None

    @property
    def is_machine(self) -> bool:
        """Whether the user agent names one of BOT_USER_AGENTS. Looked up once."""
        if self._is_machine is None:
            self._is_machine = is_machine_agent(self.user_agent)
        return self._is_machine


_current: ContextVar[RequestContext | None] = ContextVar("cart_recovery_request", default=None)


def current() -> RequestContext | None:
    """The context of the request; None outside of one (commands, workers, shells)."""
    return _current.get()


def begin(user_agent: str) -> None:
    """A request starts."""
    _current.set(RequestContext(user_agent=user_agent))


def end() -> None:
    """The request is over: the next one in this thread must not inherit from it."""
    _current.set(None)


def is_machine_agent(user_agent: str) -> bool:
    """Whether a user agent names one of BOT_USER_AGENTS, in any case."""
    text = NOT_A_BOT.sub("", user_agent).lower()
    return bool(text) and any(part.lower() in text for part in conf.BOT_USER_AGENTS)


def basket_of(request: Any) -> Any | None:
    """Id of the request's basket; None outside of Oscar's middleware or where it is not saved."""
    basket = getattr(request, "basket", None)
    return basket.pk if basket is not None else None


def paid_basket(request: HttpRequest) -> Any | None:
    """Coming back from a payment page the request has another basket than the one paid for."""
    return submitted_basket_id(request) or basket_of(request)
