"""The rows. One module per subject; imports between them run one way (contacts first, conversions last)."""

from cart_recovery.models.campaigns import (
    CHOSEN_START_TRIGGERS,
    FIXED_PURPOSES,
    MAX_STEPS,
    ORDER_TRIGGERS,
    SERVICE_TRIGGERS,
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
from cart_recovery.models.followups import (
    EnrolledLine,
    Enrolment,
    EnrolmentState,
    FollowUp,
    FollowUpState,
)
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
from cart_recovery.models.orders import (
    Milestone,
    OrderMilestone,
    StaffTask,
    StaffTaskKind,
    TrackedOrder,
)
from cart_recovery.models.reasons import Reason
from cart_recovery.models.recommendations import BoughtTogether, PairingProgress
from cart_recovery.models.reviews import LineReview, RatingSource, ReviewLink, ServiceRating
from cart_recovery.models.templates import MessageTemplate, TemplateSubject, TemplateVersion
from cart_recovery.models.troubles import CheckoutTrouble, TroubleKind

__all__ = [
    "CHOSEN_START_TRIGGERS", "FIXED_PURPOSES", "MAX_STEPS", "ORDER_TRIGGERS", "SERVICE_TRIGGERS",
    "BoughtTogether", "Campaign", "CartStage", "CartState", "ChannelStatus", "CheckoutTrouble",
    "ConsentAction", "ConsentChain", "ConsentMethod", "ConsentRecord", "ConsentState",
    "ConsentWording", "Contact", "Conversion", "CreditBasis", "DailyFigure", "DataLink",
    "DeliveryEvent", "EnrolledLine", "Enrolment", "EnrolmentState", "ExclusionReason", "FollowUp",
    "FollowUpState", "Heartbeat", "Incentive", "IncentiveKind", "LineReview", "LinkClick",
    "Measure", "Message", "MessageState", "MessageTemplate", "Milestone", "Notice", "NoticeKind",
    "OptIn", "OptInState", "OrderMilestone", "PairingProgress", "Purpose", "RatingSource", "Reason",
    "Reply", "RestoreLink", "ReviewLink", "RolledDay", "ServiceRating", "StaffTask",
    "StaffTaskKind", "Step", "Suppression", "SuppressionChange", "TemplateSubject",
    "TemplateVersion", "TrackedCart", "TrackedOrder", "Trigger", "TroubleKind", "Variant",
    "VoucherGrant", "WebhookMention", "WebhookPayload", "new_public_id",
]  # fmt: skip
