"""Schemas that hold every construct, data that goes wrong at will, and random operations over them.

`world` decides values, `berry` and `plain` are the schemas, `operations` writes operations for any
schema, `comparing` runs one both ways, `shrinking` makes a difference small.
"""
