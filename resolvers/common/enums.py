"""Enumerations of the domain that several areas show: each gets its name in the schema once.

`strawberry.enum` marks the class itself, so fields are annotated with the domain's own type.
"""

from __future__ import annotations

import strawberry

from domain.orders import DeliveryMethod
from domain.pricing import DiscountKind

strawberry.enum(DiscountKind, name="DiscountKind", description="The causes of money off.")
strawberry.enum(
    DeliveryMethod, name="DeliveryMethod", description="How the goods reach the member."
)
