"""The ledger in SQL: the only truth about a pickup. One module per aggregate; SQLAlchemy Core, SQLite and PostgreSQL alike."""
