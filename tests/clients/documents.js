// What every client asks.

export const TIERS = "query Tiers($withNames: Boolean!) { tiers { code name @include(if: $withNames) } }";
export const RENAME = `
  mutation Rename($input: UpdateProfileInput!) {
    updateProfile(input: $input) { member { nickname } userErrors { code path } }
  }
`;
export const BROKEN = "query Broken { nothing }";
export const FOLLOW_ORDER = `
  subscription FollowOrder($orderId: ID!) { orderChanged(orderId: $orderId) { status } }
`;
