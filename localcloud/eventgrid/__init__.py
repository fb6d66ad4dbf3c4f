"""Event Grid: topics, subscriptions, delivery at least once, and a log of what was delivered."""

from __future__ import annotations

from localcloud.eventgrid.model import DeadLetter, Delivery, State, Subscription
from localcloud.eventgrid.service import EventGrid

__all__ = ["DeadLetter", "Delivery", "EventGrid", "State", "Subscription"]
