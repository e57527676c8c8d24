"""Every message a quote can carry: English templates, which are also the keys of translation.

Names in braces are facts. Tiers and coupons have a Chinese and an English name, so that a
translation takes the one it needs: `{tier}` or `{tier_en}`. Titles are the brand's own words.
"""

from __future__ import annotations

# Titles of discounts.
MEMBER_PRICE = "{tier_en} member price"
OWN_TITLE = "{title}"
COUPON_TITLE = "{coupon_en}"
POINTS = "Points"
TIER_FREE_SHIPPING = "{tier_en} free shipping"

# Why a coupon takes nothing off.
COUPON_NOT_YET_VALID = "This coupon is not valid yet."
COUPON_RESERVED = "This coupon is held by an unpaid order."
COUPON_USED = "This coupon has been used."
COUPON_EXPIRED = "This coupon has expired."
COUPON_REVOKED = "This coupon has been withdrawn."
COUPON_OUT_OF_SCOPE = "No goods in this order are covered by this coupon."
COUPON_NOT_WITH_CAMPAIGNS = "This coupon can't be used on flash-sale or group-buy prices."
COUPON_BELOW_MIN_SPEND = "Spend {missing_fen} more on goods that this coupon covers."
COUPON_BELOW_MIN_PIECES = "Add {missing_pieces} more of the goods that this coupon covers."
COUPON_NOTHING_LEFT = "There is nothing left for this coupon to take off."
COUPON_NO_SHIPPING = "There is no shipping fee to take off."
COUPON_GIFT_MISSING = "Add this coupon's gift to the order."

# What a little more would bring.
HINT_ADD_FOR_PROMOTION = "Add {missing_pieces} more for {title}."
HINT_SPEND_FOR_RUNG = "Spend {missing_fen} more to get {off_fen} off from {min_spend_fen}."
HINT_SPEND_FOR_COUPON = "Spend {missing_fen} more to use {coupon_en}."
HINT_ADD_FOR_COUPON = "Add {missing_pieces} more to use {coupon_en}."
HINT_SPEND_FOR_FREE_SHIPPING = "Spend {missing_fen} more for free shipping."

# Problems.
COUPON_NOT_FOUND = "There is no such coupon."
COUPONS_NEED_CONSENT = "Please accept the membership and privacy agreements to use coupons."
ONE_GOODS_COUPON = "Only one coupon for goods can be used in an order."
ONE_SHIPPING_COUPON = "Only one coupon for shipping can be used in an order."
POINTS_BELOW_ZERO = "The number of points can't be below zero."
POINTS_NEED_CONSENT = "Please accept the membership and privacy agreements to use points."
POINTS_BEYOND_BALANCE = "You have {balance} points."
POINTS_BEYOND_CAP = "At most {max_points} points can be used in this order."
POINTS_BELOW_MIN = "Points can be used from {min_points} on."
POINTS_NOT_WHOLE_FEN = "Points are used in multiples of {step}."
ADDRESS_REQUIRED = "Please choose a delivery address."
ADDRESS_NOT_SERVED = "We don't deliver to this address."
ORDER_TOO_LARGE = "The amount of this order is too large."
