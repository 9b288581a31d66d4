"""Reads one file that nobody trusts, in a process of its own with limits on memory and time; started by `partners.inspection`.

`clean` takes a document on stdin and writes it anew: pictures from their pixels alone, PDFs from the objects that their
pages need. `draw N` writes a picture of its page N. `logo` takes a picture and writes it as a square in two sizes. All answer
with a line of JSON, then bytes. Knows nothing of Django, and can write no file. What is dangerous to open is refused, not
repaired, so that its sender knows.
"""

import io
import json
import resource
import sys
from collections.abc import Callable, Iterator
from typing import Any

MEMORY = 1536 * 1024 * 1024
SECONDS = 20
# An A4 page scanned at 600 dpi has 35 million.
MOST_PIXELS = 40_000_000
MOST_PAGES = 300
DEEPEST = 50
# The longer side of a drawn page.
DRAWN = 1_400

# The sides of a logo's squares; how small a picture it may be made from, and how long for its width.
LOGO_SIDES = (64, 256)
SMALLEST_LOGO = 64
LONGEST_LOGO = 6

# What a file is, by its first bytes: ISO 32000-1 §7.5.2, PNG (ISO/IEC 15948) §5.2, JPEG (ITU-T T.81) B.1.1.3.
SIGNATURES = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}

# ISO 32000-1: what a PDF may not hold, by the dictionary keys, action types (§12.6.4) and annotations (§12.5.6) that hold it.
KEYS = {
    "/JS": "javascript",
    "/JavaScript": "javascript",
    "/EmbeddedFiles": "embedded_files",
    "/EF": "embedded_files",
    "/XFA": "form",
}
ACTIONS = {
    "/JavaScript": "javascript",
    "/Launch": "launch",
    "/ImportData": "launch",
    "/SubmitForm": "launch",
    "/GoToE": "embedded_files",
    "/GoToR": "launch",
    "/Rendition": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/RichMediaExecute": "media",
}
ANNOTATIONS = {
    "/FileAttachment": "embedded_files",
    "/RichMedia": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/Screen": "media",
    "/3D": "media",
}
# Taken out silently: what happens by itself when the file or a page is opened, and who wrote it where.
DROPPED = ("/OpenAction", "/AA", "/Metadata", "/PieceInfo")


# What Pillow raises for a damaged picture.
BROKEN = (OSError, SyntaxError, ValueError, OverflowError, EOFError)


class Refused(Exception):
    """It isn't taken; the argument is one of the reasons that `partners.inspection` has words for."""


def main(job: str, page: str = "0") -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    content = sys.stdin.buffer.read()
    jobs: dict[str, Callable[[], tuple[dict[str, Any], bytes]]] = {
        "clean": lambda: clean(content),
        "draw": lambda: draw(content, int(page)),
        "logo": lambda: logo(content),
    }
    try:
        facts, made = jobs[job]()
    except Refused as refusal:
        facts, made = {"refused": refusal.args[0]}, b""
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n" + made)


def clean(content: bytes) -> tuple[dict[str, Any], bytes]:
    """What it is (`type`, `pages`), and the same written anew. Raises Refused."""
    kind = kind_of(content)
    if kind == "application/pdf":
        made, pages = clean_pdf(content)
    else:
        made, pages = clean_picture(content, kind), 1
    return {"type": kind, "pages": pages}, made


def kind_of(content: bytes) -> str:
    """By its first bytes, whatever its name. Raises Refused for anything but the three."""
    kind = next((name for start, name in SIGNATURES.items() if content.startswith(start)), None)
    if kind is None:
        raise Refused("empty" if not content else "type")
    return kind


def clean_picture(content: bytes, kind: str) -> bytes:
    """The pixels, upright, and nothing else: no EXIF, no text, no colour profile, nothing behind the end."""
    with opened_picture(content) as picture:
        try:
            upright = turned_upright(picture)
            flat = upright.convert("RGB" if kind == "image/jpeg" else "L" if upright.mode in {"1", "L"} else "RGBA")
        except BROKEN as error:
            raise Refused("unreadable") from error
    flat.info.clear()
    out = io.BytesIO()
    if kind == "image/jpeg":
        flat.save(out, "JPEG", quality=90)
    else:
        flat.save(out, "PNG")
    return out.getvalue()


def turned_upright(picture: Any) -> Any:
    """As its EXIF says, in 8 bits a channel. Raises what Pillow raises for damage (BROKEN)."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):  # 16 bits of grey
        upright = upright.point(lambda value: value * (1 / 256)).convert("L")
    return upright


def opened_picture(content: bytes, kinds: tuple[str, ...] = ("PNG", "JPEG")) -> Any:
    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # ours is stricter, and asked before anything is unpacked
    try:
        picture = Image.open(io.BytesIO(content), formats=kinds)
    except (OSError, SyntaxError, ValueError) as error:
        raise Refused("unreadable") from error
    if picture.width * picture.height > MOST_PIXELS:
        raise Refused("pixels")
    return picture


def clean_pdf(content: bytes) -> tuple[bytes, int]:
    """The objects that its pages need, in a new file; streams stay packed as they were. Raises Refused."""
    import pikepdf

    try:
        with pikepdf.open(io.BytesIO(content)) as pdf:
            if pdf.is_encrypted:
                raise Refused("encrypted")
            pages = len(pdf.pages)
            if not 0 < pages <= MOST_PAGES:
                raise Refused("pages")
            for found in pdf.objects:
                for dictionary in list(dictionaries(found)):  # what is refused inside what is taken out is refused too
                    disarm(dictionary)
            if "/Info" in pdf.trailer:
                del pdf.trailer["/Info"]
            pdf.remove_unreferenced_resources()
            out = io.BytesIO()
            pdf.save(out, stream_decode_level=pikepdf.StreamDecodeLevel.none)
    except pikepdf.PasswordError as error:
        raise Refused("encrypted") from error
    except (pikepdf.PdfError, ValueError, TypeError, RecursionError) as error:
        raise Refused("too_hard" if is_out_of_memory() else "unreadable") from error
    return out.getvalue(), pages


def is_out_of_memory() -> bool:
    """Whether this process has held far more than any document: qpdf takes memory that it doesn't get for damage."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > MEMORY // 3


def dictionaries(found: Any, depth: int = 0) -> Iterator[Any]:
    """Every dictionary in an object of a PDF, without following references: those come by themselves."""
    import pikepdf

    if depth > DEEPEST:
        raise Refused("unreadable")
    if isinstance(found, pikepdf.Array):
        inner = list(found)
    elif isinstance(found, pikepdf.Dictionary | pikepdf.Stream):
        yield found
        inner = [value for _name, value in found.items()]
    else:
        return
    for value in inner:
        if isinstance(value, pikepdf.Object) and not value.is_indirect:
            yield from dictionaries(value, depth + 1)


def disarm(dictionary: Any) -> None:
    """Take out what acts by itself. Raises Refused for what should not be there at all."""
    keys = set(dictionary.keys())
    reasons = [KEYS[key] for key in KEYS.keys() & keys]
    for key, refused in (("/S", ACTIONS), ("/Subtype", ANNOTATIONS)):
        if key in keys and str(dictionary[key]) in refused:
            reasons.append(refused[str(dictionary[key])])
    if str(dictionary.get("/Type", "")) == "/EmbeddedFile":
        reasons.append("embedded_files")
    if reasons:
        raise Refused(sorted(reasons)[0])
    for key in DROPPED:
        if key in keys:
            del dictionary[key]


def draw(content: bytes, number: int) -> tuple[dict[str, Any], bytes]:
    """A picture of page `number`, counted from 1, as PNG. Raises Refused."""
    if kind_of(content) == "application/pdf":
        picture = drawn_page(content, number)
    else:
        picture = opened_picture(content)
        picture.draft("RGB", (DRAWN, DRAWN))
    picture = picture.convert("RGB")
    picture.thumbnail((DRAWN, DRAWN))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return {"type": "image/png"}, out.getvalue()


def logo(content: bytes) -> tuple[dict[str, Any], bytes]:
    """A picture of any shape as squares on nothing, one PNG after the other; `sizes` are their lengths. Raises Refused."""
    from PIL import Image, ImageOps

    if not content:
        raise Refused("empty")
    if not (content.startswith((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")) or (content[:4], content[8:12]) == (b"RIFF", b"WEBP")):
        raise Refused("picture")
    pictures = []
    with opened_picture(content, ("PNG", "JPEG", "WEBP")) as picture:
        shorter, longer = sorted(picture.size)
        if longer < SMALLEST_LOGO:
            raise Refused("small")
        if longer > LONGEST_LOGO * shorter:
            raise Refused("shape")
        try:
            upright = turned_upright(picture).convert("RGBA")
        except BROKEN as error:
            raise Refused("unreadable") from error
    for side in LOGO_SIDES:
        fitting = ImageOps.contain(upright, (side, side), Image.Resampling.LANCZOS)
        square = Image.new("RGBA", (side, side), (0, 0, 0, 0))
        square.paste(fitting, ((side - fitting.width) // 2, (side - fitting.height) // 2))
        out = io.BytesIO()
        square.save(out, "PNG", optimize=True)
        pictures.append(out.getvalue())
    return {"sizes": [len(each) for each in pictures]}, b"".join(pictures)


def drawn_page(content: bytes, number: int) -> Any:
    import pypdfium2

    try:
        pdf = pypdfium2.PdfDocument(content)
        if not 0 < number <= len(pdf):
            raise Refused("pages")
        page = pdf[number - 1]
        longer = max(page.get_width(), page.get_height(), 1)
        return page.render(scale=min(DRAWN / longer, 4)).to_pil()
    except pypdfium2.PdfiumError as error:
        raise Refused("unreadable") from error


if __name__ == "__main__":
    main(*sys.argv[1:])
