"""Who does something: a person, a key, an operator or the platform itself, and from where."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Kind = Literal["member", "key", "application", "operator", "system", "public"]


LONGEST_LABEL = 200


@dataclass(frozen=True, slots=True)
class Actor:
    """The doer of a verb, as the audit log keeps it. `label` is for people; it never holds a credential, and is cut off
    where rows that keep it end."""

    kind: Kind
    id: UUID | None = None
    label: str = ""
    address: str | None = None
    request_id: UUID | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "label", self.label[:LONGEST_LABEL])


SYSTEM = Actor("system", label="Portico")
