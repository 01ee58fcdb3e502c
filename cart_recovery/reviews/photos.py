"""A photo from a stranger's phone: read with care, and made anew without anything but the picture."""

from __future__ import annotations

import io
import logging
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.utils.translation import gettext_lazy as _
from PIL import Image, ImageOps

from cart_recovery.conf import conf

logger = logging.getLogger(__name__)

#: what browsers show and phones send. Pillow tries no other format, whatever the file claims to be
FORMATS: Final = ("JPEG", "PNG", "WEBP")
#: more than phones take; a small file may unpack to far more than fits into memory
MAX_PIXELS: Final = 60_000_000
#: the same for formats that are only read at their full size
MAX_PIXELS_AT_ONCE: Final = 20_000_000
#: what Pillow reads at the size that is needed; an MPO is a JPEG with more pictures behind it
SCALED: Final = ("JPEG", "MPO")
#: longest side of what is kept
MAX_SIDE: Final = 1600
QUALITY: Final = 85


def too_large() -> ValidationError:
    megabytes = max(1, conf.REVIEW_PHOTO_MAX_BYTES // (1024 * 1024))
    return ValidationError(
        _("This photo is too large: %(megabytes)d MB at most. Your text is still here."),
        code="too_large", params={"megabytes": megabytes},
    )  # fmt: skip


def too_many(most: int) -> ValidationError:
    return ValidationError(
        _("Only %(most)d photos can be sent at once. Please send this one by itself."),
        code="too_many", params={"most": most},
    )  # fmt: skip


def clean_photo(uploaded: Any) -> ContentFile[bytes]:
    """The picture as a JPEG of its own, turned upright, without place, camera or other notes.

    Raises ValidationError, with words for the person, for what is too large, no picture (an SVG is
    none), broken, or would burst.
    """
    if uploaded.size > conf.REVIEW_PHOTO_MAX_BYTES:
        raise too_large()
    try:
        return ContentFile(_made_anew(uploaded), name="photo.jpg")
    except ValidationError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except Exception as error:
        # decoders meet the strangest files; none of what they raise is ours to tell apart
        logger.info("A photo cannot be read: %s", type(error).__name__)
        raise ValidationError(
            _("This file is no photo that we can read. Please choose a JPEG, PNG or WebP."),
            code="unreadable",
        ) from None


def _made_anew(uploaded: Any) -> bytes:
    uploaded.seek(0)
    with Image.open(uploaded, formats=FORMATS) as image:
        # known from the header, before anything is unpacked
        most = MAX_PIXELS if image.format in SCALED else MAX_PIXELS_AT_ONCE
        if image.width * image.height > most:
            raise _too_many_pixels()
        # a JPEG is read at the size that is needed
        image.draft("RGB", (MAX_SIDE, MAX_SIDE))
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
        image.thumbnail((MAX_SIDE, MAX_SIDE))
        plain = _on_white(image)
    # a new picture: nothing of the file's notes, profiles or thumbnails comes along
    fresh = Image.new("RGB", plain.size)
    fresh.paste(plain)
    kept = io.BytesIO()
    fresh.save(kept, "JPEG", quality=QUALITY, optimize=True)
    return kept.getvalue()


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        layered = image.convert("RGBA")
        white = Image.new("RGBA", layered.size, "white")
        return Image.alpha_composite(white, layered).convert("RGB")
    return image.convert("RGB")


def _too_many_pixels() -> ValidationError:
    return ValidationError(
        _("This picture has too many pixels. Please choose a smaller one."), code="too_many_pixels"
    )
