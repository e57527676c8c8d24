"""What a command says when PostgreSQL can't be used, instead of a traceback."""

from socket import gaierror


def explained(error: Exception) -> str | None:
    """Return what is wrong with the database in a sentence; None for any other trouble."""
    # Imported here: this is needed only when a command has failed already.
    import asyncpg
    from tortoise.exceptions import DBConnectionError

    from models.connections import DatabaseBusy

    while isinstance(error, DatabaseBusy | DBConnectionError):
        cause = error.__cause__ or error.__context__
        if not isinstance(cause, Exception):
            break
        error = cause
    if isinstance(error, asyncpg.UndefinedTableError | asyncpg.UndefinedColumnError):
        return "The database lacks tables of this release. Run `mall migrate` first."
    if isinstance(error, asyncpg.InvalidAuthorizationSpecificationError):
        return "PostgreSQL refuses the user or the password of DATABASE_URL."
    if isinstance(error, asyncpg.InvalidCatalogNameError):
        return "PostgreSQL has no database of the name in DATABASE_URL."
    away = (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError)
    if isinstance(error, (*away, ConnectionError, TimeoutError, gaierror)):
        return f"PostgreSQL does not answer where DATABASE_URL says ({type(error).__name__})."
    return None
