from storage.database import Connection


async def test_a(db: Connection) -> None:
    assert await db.fetchval("select current_user::text") == "kvitok_app"


async def test_b(db: Connection) -> None:
    assert await db.fetchval("select current_schema()::text") == "kvitok"


async def test_c(db: Connection) -> None:
    assert await db.fetchval("select $1::jsonb", [1, {"a": "b"}]) == [1, {"a": "b"}]
