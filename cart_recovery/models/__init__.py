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
    ConsentRecord,
    ConsentState,
    ConsentWording,
    Purpose,
    Suppression,
)
from cart_recovery.models.contacts import Contact
from cart_recovery.models.conversions import Conversion, CreditBasis
from cart_recovery.models.followups import Enrolment, EnrolmentState, FollowUp, FollowUpState
from cart_recovery.models.links import LinkClick, RestoreLink, VoucherGrant
from cart_recovery.models.messages import (
    DeliveryEvent,
    Message,
    MessageState,
    MessageTemplate,
    Reply,
    WebhookPayload,
    new_public_id,
)
from cart_recovery.models.operations import ChannelStatus, Heartbeat
from cart_recovery.models.reasons import Reason

__all__ = [
    "Campaign", "CartStage", "CartState", "ChannelStatus", "ConsentAction", "ConsentChain", "ConsentRecord",
    "ConsentState", "ConsentWording", "Contact", "Conversion", "CreditBasis", "DeliveryEvent",
    "Enrolment", "EnrolmentState", "ExclusionReason", "FollowUp", "FollowUpState", "Heartbeat", "Incentive",
    "IncentiveKind", "LinkClick", "Message", "MessageState", "MessageTemplate", "Purpose", "Reason", "Reply",
    "RestoreLink", "Step", "Suppression", "TrackedCart", "Trigger", "Variant", "VoucherGrant",
    "WebhookPayload", "new_public_id",
]  # fmt: skip
