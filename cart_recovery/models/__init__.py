"""The rows. One module per subject; imports between them run one way (contacts first, conversions last)."""

from cart_recovery.models.campaigns import (
    Campaign,
    Incentive,
    IncentiveKind,
    Step,
    Trigger,
    Variant,
)
from cart_recovery.models.carts import CartStage, CartState, ExclusionReason, TrackedCart
from cart_recovery.models.consents import (
    ConsentAction,
    ConsentChain,
    ConsentMethod,
    ConsentRecord,
    ConsentState,
    ConsentWording,
    OptIn,
    OptInState,
    Purpose,
    Suppression,
    SuppressionChange,
)
from cart_recovery.models.contacts import Contact
from cart_recovery.models.conversions import Conversion, CreditBasis
from cart_recovery.models.figures import DailyFigure, Measure, RolledDay
from cart_recovery.models.followups import Enrolment, EnrolmentState, FollowUp, FollowUpState
from cart_recovery.models.links import LinkClick, RestoreLink, VoucherGrant
from cart_recovery.models.messages import (
    DeliveryEvent,
    Message,
    MessageState,
    Reply,
    WebhookMention,
    WebhookPayload,
    new_public_id,
)
from cart_recovery.models.notices import DataLink, Notice, NoticeKind
from cart_recovery.models.operations import ChannelStatus, Heartbeat
from cart_recovery.models.reasons import Reason
from cart_recovery.models.templates import MessageTemplate, TemplateVersion

__all__ = [
    "Campaign", "CartStage", "CartState", "ChannelStatus", "ConsentAction", "ConsentChain",
    "ConsentMethod", "ConsentRecord", "ConsentState", "ConsentWording", "Contact", "Conversion",
    "CreditBasis", "DailyFigure", "DataLink", "DeliveryEvent", "Enrolment", "EnrolmentState",
    "ExclusionReason", "FollowUp", "FollowUpState", "Heartbeat", "Incentive", "IncentiveKind",
    "LinkClick", "Measure", "Message", "MessageState", "MessageTemplate", "Notice", "NoticeKind",
    "OptIn", "OptInState", "Purpose", "Reason", "Reply", "RestoreLink", "RolledDay", "Step",
    "Suppression", "SuppressionChange", "TemplateVersion", "TrackedCart", "Trigger", "Variant",
    "VoucherGrant", "WebhookMention", "WebhookPayload", "new_public_id",
]  # fmt: skip
