"""Compiled execution of GraphQL operations for Strawberry schemas, and what guards it.

README.md shows how a project uses it. Nothing here knows anything of malls.
"""
