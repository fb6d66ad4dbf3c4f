"""Messages that are not about a decision of an app: a policy row that is broken, an app whose tick keeps failing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from delivery import codec, messages, names
from delivery.message_data import stamp
from delivery.message_scene import plain
from delivery.ports import Put
from delivery.versions import SCHEMA

if TYPE_CHECKING:
    from datetime import datetime

MOST_LINES = 40  # of a diff


def notice(  # an event has many parts
    kind: str, *, source: str, subject: str, edge: str, summary: str, because: str, now: datetime, diff: str = ""
) -> Put:
    """The outbox row of one notice to the `default` channel.

    kind: the event type without its prefix. edge: what makes it one edge; the same edge always has the same id.
    diff: what was edited, a line each, "" when nothing was.
    """
    data: dict[str, object] = {"summary": plain(summary, 400), "because": plain(because, 2400), "urgency": "action"}
    if diff:
        data["diff"] = [plain(line, 400) for line in diff.splitlines()[:MOST_LINES]]
    event: dict[str, object] = {
        "specversion": "1.0",
        "id": messages.event_id(source, None, f"{kind}:{edge}"),
        "source": plain(source, 512),
        "type": f"Weighbridge.{kind}",
        "subject": plain(subject, 256),
        "time": stamp(now),
        "datacontenttype": "application/json",
        "dataschema": messages.SCHEMA,
        "data": data,
    }
    sent = messages.with_channel(event, names.DEFAULT_CHANNEL)
    columns = {"schema": SCHEMA, "channel": names.DEFAULT_CHANNEL, "event": codec.text(sent), "tries": 0}
    return Put(key=names.outbox_key(str(sent["id"])), columns={**columns, "due_at": now})
