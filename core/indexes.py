"""Indexes that several apps' models have."""

from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db.models.functions import Upper


def trigrams(field: str, *, name: str) -> GinIndex:
    """Finds rows by a part of a text, as `__icontains` and `__istartswith` ask PostgreSQL for it."""
    return GinIndex(OpClass(Upper(field), name="gin_trgm_ops"), name=name)
