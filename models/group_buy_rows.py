"""Rows of group buys as they are read: by SQL, without model instances."""

GROUP_BUY_COLUMNS = """
    id, product_id, name, name_en, starts_at, ends_at, team_size, team_hours, per_member_limit,
    new_members_only, state
"""
"""A campaign, for a statement over `group_buy` alone."""

TEAM_COLUMNS = """
    team.id, team.group_buy_id, team.leader_id, team.size, team.status, team.expires_at
"""
"""A team, for a statement that calls it `team`."""
