"""Who does something: a person, a key, an operator or the platform itself, and from where."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["member", "key", "application", "operator", "system", "public"]


@dataclass(frozen=True, slots=True)
class Actor:
    """The doer of a verb, as the audit log keeps it. `label` is for people; it never holds a credential."""

    kind: Kind
    id: UUID | None = None
    label: str = ""
    address: str | None = None
    request_id: UUID | None = None


SYSTEM = Actor("system", label="Portico")
