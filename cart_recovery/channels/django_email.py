"""E-mail by any Django mail backend, SMTP first."""

from __future__ import annotations

import contextlib
import logging
import re
import smtplib
import ssl
from collections.abc import Iterator
from email.errors import MessageError
from email.utils import parseaddr
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.smtp import EmailBackend as SmtpBackend
from django.utils.module_loading import import_string

from cart_recovery.channels.base import UNREACHABLE, Channel, Outcome, OutcomeKind, OutgoingMessage
from cart_recovery.channels.option_checks import OptionChecks
from cart_recovery.channels.runs import SendOne
from cart_recovery.conf import conf
from cart_recovery.provider_events import SuppressionReason

logger = logging.getLogger(__name__)

DEFAULT_TIMEOUT: Final = 10
#: option -> argument of Django's SMTP backend
BACKEND_ARGUMENTS: Final = {
    "HOST": "host", "PORT": "port", "USERNAME": "username", "PASSWORD": "password",
    "USE_TLS": "use_tls", "USE_SSL": "use_ssl", "TIMEOUT": "timeout",
}  # fmt: skip
#: RFC 3463: the address itself is bad, whatever the message
BAD_ADDRESS: Final = re.compile(r"\b5\.1\.[1-3]\b")

#: the shop has to change something before any mail can go
OPENING_REFUSALS: Final = (
    smtplib.SMTPAuthenticationError,
    smtplib.SMTPNotSupportedError,
    ssl.SSLCertVerificationError,
)

#: backends of Django that are for development and tests
NOWHERE_BACKENDS: Final = frozenset(
    f"django.core.mail.backends.{name}.EmailBackend"
    for name in ("console", "dummy", "filebased", "locmem")
)


class DjangoEmailChannel(Channel):
    """OPTIONS, each with Django's own setting as its default:

    - `EMAIL_BACKEND`: dotted path.
    - `HOST`, `PORT`, `USERNAME`, `PASSWORD`, `USE_TLS`, `USE_SSL`, `TIMEOUT` (seconds, 10).
    - `FROM_EMAIL`, `REPLY_TO`: default to the settings of the same name.
    - `CONCURRENCY`: connections at a time, default 1.
    """

    supports_html = True
    #: mail servers close a connection that carries too many
    max_batch = 100
    known_options = frozenset({
        "EMAIL_BACKEND", "FROM_EMAIL", "REPLY_TO", "CONCURRENCY", *BACKEND_ARGUMENTS
    })  # fmt: skip

    @property
    def sender(self) -> str:
        return str(self.options.get("FROM_EMAIL") or conf.FROM_EMAIL)

    @contextlib.contextmanager
    def lane(self) -> Iterator[SendOne]:
        connection = MailConnection(self.backend_path, self.backend_arguments())
        try:
            yield lambda message: connection.send(self._make_mail, message)
        finally:
            connection.close()

    def send_one(self, message: OutgoingMessage) -> Outcome:
        with self.lane() as send_one:
            return send_one(message)

    def check_options(self, options: OptionChecks) -> None:
        super().check_options(options)
        options.check_number("TIMEOUT", lowest=0.1, highest=60)
        options.check_number("PORT", lowest=1, highest=65535)
        options.check_sender(self.sender)
        if self.options.get("USE_TLS") and self.options.get("USE_SSL"):
            options.add_error(
                104,
                f"{options.where('USE_TLS')} and USE_SSL exclude each other.",
                "Keep one of them.",
            )
        if self.backend_path in NOWHERE_BACKENDS and not settings.DEBUG:
            options.add_warning(
                110, f'Channel "{self.alias}" reaches nobody: {self.backend_path} keeps its mails.',
                f"Set {options.where('EMAIL_BACKEND')} or EMAIL_BACKEND to one that sends.",
            )  # fmt: skip
        try:
            import_string(self.backend_path)
        except ImportError as error:
            options.add_error(
                104, f'Mail backend "{self.backend_path}" cannot be imported: {error}',
                f"Set {options.where('EMAIL_BACKEND')} or EMAIL_BACKEND.",
            )  # fmt: skip

    @property
    def backend_path(self) -> str:
        return str(self.options.get("EMAIL_BACKEND") or settings.EMAIL_BACKEND)

    def backend_arguments(self) -> dict[str, Any]:
        """Arguments of the mail backend. SMTP always gets a timeout: Django's default is none."""
        arguments = {
            argument: self.options[option]
            for option, argument in BACKEND_ARGUMENTS.items()
            if self.options.get(option) is not None
        }
        backend = import_string(self.backend_path)
        if isinstance(backend, type) and issubclass(backend, SmtpBackend):
            arguments.setdefault("timeout", settings.EMAIL_TIMEOUT or DEFAULT_TIMEOUT)
        return arguments

    def _make_mail(self, message: OutgoingMessage, connection: Any) -> EmailMultiAlternatives:
        reply_to = self.options.get("REPLY_TO") or conf.REPLY_TO
        host = parseaddr(self.sender)[1].rpartition("@")[2] or "localhost"
        mail = EmailMultiAlternatives(
            subject=message.subject, body=message.text, from_email=self.sender, to=[message.to],
            headers={**message.headers, "Message-ID": f"<{message.key}@{host}>"},
            reply_to=[reply_to] if reply_to else None, connection=connection,
        )  # fmt: skip
        if message.html:
            mail.attach_alternative(message.html, "text/html")
        return mail


class MailConnection:
    """One connection to the mail server, opened on first use and again after it broke."""

    def __init__(self, path: str, arguments: dict[str, Any]) -> None:
        self._path = path
        self._arguments = arguments
        self._backend: Any = None
        #: whether the server is reading a message: from here on a lost connection says nothing
        self._is_in_data = False

    def send(self, make_mail: Any, message: OutgoingMessage) -> Outcome:
        """Send one mail and sort what comes of it."""
        problem = self._open()
        if problem is not None:
            return problem
        try:
            mail = make_mail(message, self._backend)
            mail.message()
        except (ValueError, TypeError, LookupError, MessageError) as error:
            logger.warning("Message %s cannot be made into a mail.", message.key)
            return Outcome(
                OutcomeKind.PERMANENT, code="invalid_message", detail=type(error).__name__
            )
        self._is_in_data = not self._is_smtp
        try:
            count = self._backend.send_messages([mail])
        except (smtplib.SMTPException, OSError) as error:
            if not self._is_usable_after(error):
                self.close()
            return sort_send_error(error, is_in_data=self._is_in_data, to=message.to)
        if count == 0:
            return Outcome(OutcomeKind.UNKNOWN, code="not_confirmed")
        message_id = str(mail.extra_headers.get("Message-ID", ""))
        return Outcome(OutcomeKind.ACCEPTED, provider_message_id=message_id)

    def close(self) -> None:
        """Close the connection. Errors do not matter any more."""
        backend, self._backend = self._backend, None
        if backend is not None:
            try:
                backend.close()
            except Exception:
                logger.info("A mail connection did not close cleanly.", exc_info=True)

    @property
    def _is_smtp(self) -> bool:
        return isinstance(getattr(self._backend, "connection", None), smtplib.SMTP)

    def _is_usable_after(self, error: Exception) -> bool:
        """A refused mail leaves the connection as it was, unless smtplib closed it."""
        is_answer = isinstance(
            error, (smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)
        )
        return is_answer and self._is_smtp and self._backend.connection.sock is not None

    def _open(self) -> Outcome | None:
        if self._backend is not None:
            return None
        self._backend = get_connection(self._path, **self._arguments)
        try:
            self._backend.open()
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            return sort_open_error(error)
        if self._is_smtp:
            self._watch_data(self._backend.connection)
        return None

    def _watch_data(self, smtp: smtplib.SMTP) -> None:
        send_data = smtp.data

        def data(content: Any) -> tuple[int, bytes]:
            self._is_in_data = True
            return send_data(content)

        # smtplib calls it by this name; there is no other seam between RCPT and the message itself
        setattr(smtp, "data", data)  # noqa: B010 mypy knows no assigning to methods


def sort_open_error(error: Exception) -> Outcome:
    """A connection that cannot be opened: nothing was handed over, so only we or later matter."""
    detail = type(error).__name__
    code = getattr(error, "smtp_code", None)
    is_refusal = isinstance(error, OPENING_REFUSALS)
    is_temporary = isinstance(code, int) and 400 <= code < 500
    if is_refusal and not is_temporary:
        return Outcome(OutcomeKind.CONFIGURATION, code=str(code or "refused"), detail=detail)
    return Outcome(OutcomeKind.RETRY_SAFE, code=UNREACHABLE, detail=detail)


def sort_send_error(error: Exception, *, is_in_data: bool, to: str) -> Outcome:
    """The outcome of a mail that the server did not take."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, text = next(iter(error.recipients.values()), (550, b""))
        return _refusal(code, text, to)
    if isinstance(error, smtplib.SMTPSenderRefused):
        outcome = _refusal(error.smtp_code, error.smtp_error, to)
        # 552: this message is too large; all other final codes mean the shop's own sender
        if outcome.kind is OutcomeKind.PERMANENT and error.smtp_code != 552:
            return Outcome(OutcomeKind.CONFIGURATION, code=outcome.code, detail=outcome.detail)
        return outcome
    if isinstance(error, smtplib.SMTPResponseException):
        return _refusal(error.smtp_code, error.smtp_error, to)
    if isinstance(error, smtplib.SMTPNotSupportedError):
        # this address or text needs SMTPUTF8, which the server does not have
        return Outcome(OutcomeKind.PERMANENT, code="smtputf8", detail=type(error).__name__)
    kind = OutcomeKind.UNKNOWN if is_in_data else OutcomeKind.RETRY_SAFE
    code_text = "connection_lost" if is_in_data else UNREACHABLE
    return Outcome(kind, code=code_text, detail=type(error).__name__)


def _refusal(code: int, text: bytes | str, to: str) -> Outcome:
    shown = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
    detail = shown.replace(to, "[address]")[:300]
    if code < 500:
        # greylisting and the like; also -1, smtplib's word for an answer that it cannot read
        kind = OutcomeKind.RETRY_SAFE if code >= 400 else OutcomeKind.UNKNOWN
        return Outcome(kind, code=str(code), detail=detail)
    suppress = SuppressionReason.HARD_BOUNCE if BAD_ADDRESS.search(shown) else None
    return Outcome(OutcomeKind.PERMANENT, code=str(code), detail=detail, suppress=suppress)
