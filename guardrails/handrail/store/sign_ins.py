"""How often each address tries to sign in, counted over all processes of an inbox.

One number for each address, as in the generic cell rate algorithm (ITU-T I.371): the moment until which its
tries are spent. A try moves it on by a share of a minute; one that would move it over a minute ahead is
refused and moves nothing. One statement does it, so processes that count at once never count one try for two.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    case,
    delete,
    or_,
    select,
)

from handrail.store.tables import insert_into, metadata, micros
from handrail.store.transaction import Transaction

WINDOW: Final = timedelta(minutes=1)
_WINDOW: Final = WINDOW // timedelta(microseconds=1)
_SECOND: Final = 1_000_000
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("tenant", String(64), nullable=False),
    Column("client", String(64), nullable=False),
    Column("until", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant", "client"),
    Index("sign_ins_by_until", "tenant", "until"),
)


def take(tx: Transaction, address: str, *, per_minute: int, now: datetime) -> int:
    """Count one try of an address; returns 0 if it may go on, otherwise after how many seconds it may.

    The address is kept as a keyed hash, and no longer than it counts.
    """
    moment, share = micros(now), _WINDOW // per_minute
    client = tx.ring.hashed(tx.tenant, "sign in", address)
    mine = (sign_ins.c.tenant == tx.tenant) & (sign_ins.c.client == client)
    tx.conn.execute(delete(sign_ins).where(sign_ins.c.tenant == tx.tenant, _is_over(moment)))
    insert = insert_into(sign_ins, tx.conn.dialect.name).values(
        tenant=tx.tenant, client=client, until=moment + share
    )
    begins = case((_is_over(moment), moment), else_=sign_ins.c.until)
    counted = insert.on_conflict_do_update(
        index_elements=["tenant", "client"],
        set_={"until": begins + share},
        where=begins + share <= moment + _WINDOW,
    ).returning(sign_ins.c.until)
    if tx.conn.execute(counted).first() is not None:
        return 0
    until: int = tx.conn.execute(select(sign_ins.c.until).where(mine)).scalar_one()
    return max(1, -(-(until + share - moment - _WINDOW) // _SECOND))


def _is_over(moment: int) -> ColumnElement[bool]:
    """What is spent no more, or was counted by a clock that went astray."""
    return or_(sign_ins.c.until <= moment, sign_ins.c.until > moment + 2 * _WINDOW)
