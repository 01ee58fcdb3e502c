"""Bodies with photos: what is too large is never kept, neither in memory nor on disk.

The form's texts come with the photo in one body. So a photo beyond the limit is read past and
dropped, and the texts beside it survive; a body that no form of ours can send is not read at all.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Final

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from cart_recovery.conf import conf

#: attribute of the request: name of the field whose photo was dropped -> why
DROPPED: Final = "cart_recovery_dropped"
#: photos' worth of bytes that is read to save the text beside one that is too large
PATIENCE: Final = 8
#: files beyond that many are not even looked at
MOST_FILES: Final = 20


class Dropped(StrEnum):
    TOO_LARGE = "too_large"
    TOO_MANY = "too_many"


class BoundedPhotos(FileUploadHandler):
    """First of the handlers: stops a file at the limit, and notes its field."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.dropped: dict[str, Dropped] = {}
        self.files = 0
        self.left = 0
        setattr(request, DROPPED, self.dropped)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.files += 1
        # dropped with its first bytes: to skip a file before would close the one before it
        self.left = conf.REVIEW_PHOTO_MAX_BYTES if self.files <= MOST_FILES else 0

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.left -= len(raw_data)
        if self.left < 0:
            is_one_too_many = self.files > MOST_FILES
            self.dropped[str(self.field_name)] = (
                Dropped.TOO_MANY if is_one_too_many else Dropped.TOO_LARGE
            )
            raise SkipFile
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None


def bound_uploads(request: HttpRequest) -> None:
    """Set up the bound before anything reads the body. Where a shop's middleware was quicker, the
    size is judged afterwards."""
    try:
        request.upload_handlers.insert(0, BoundedPhotos(request))
    except AttributeError:
        setattr(request, DROPPED, {})


def is_beyond_reading(request: HttpRequest) -> bool:
    """Whether the announced body is larger than any form of ours with a photo that is too large."""
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return True
    return announced > PATIENCE * conf.REVIEW_PHOTO_MAX_BYTES
