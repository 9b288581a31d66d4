"""Where a month's count comes from when Redis has none: at a month's first call, and after Redis was lost."""

from datetime import date
from uuid import UUID

from usage import questions


def month_total(partner: str, environment: str, month: str) -> int:
    """Metered calls of a partner (UUID, 32 hex digits) in a month (`2026-01`), as usage has recorded them."""
    return questions.month_total(UUID(partner), environment, date.fromisoformat(f"{month}-01"))
