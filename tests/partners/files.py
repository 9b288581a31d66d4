"""Files as people upload them, made on the spot."""

import io
from typing import Any

from PIL import Image


def pdf(pages: int = 1) -> bytes:
    """A harmless PDF."""
    first, *more = (Image.new("RGB", (60, 80), "white") for _ in range(pages))
    return _saved(first, "PDF", save_all=True, append_images=more)


def png(size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    return _saved(Image.new("RGB", size, "teal"), "PNG", **options)


def jpeg(size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    return _saved(Image.new("RGB", size, "teal"), "JPEG", **options)


def webp(size: tuple[int, int] = (40, 30), **options: Any) -> bytes:
    return _saved(Image.new("RGB", size, "teal"), "WEBP", **options)


def _saved(picture: Any, kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()
