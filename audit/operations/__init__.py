"""Writing the trail."""

from audit.operations.events import EventOutsideTransaction, UnregisteredAction, act, record_event

__all__ = ["EventOutsideTransaction", "UnregisteredAction", "act", "record_event"]
