"""The unread messages of a member, counted with the member."""

UNREAD_COLUMN = """
    (SELECT count(*) FROM message
     WHERE message.member_id = member.id AND message.read_at IS NULL) AS unread_messages
"""
"""For a statement that calls the member `member`."""
