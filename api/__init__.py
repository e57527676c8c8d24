"""The web edge: the ASGI app, its routes, authentication, the request's context, the schema."""
