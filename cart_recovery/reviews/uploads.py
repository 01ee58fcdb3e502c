"""Bodies with photos: what is too large is never kept, neither in memory nor on disk.

The form's texts come with the photo in one body. So a photo beyond the limit is read past and
dropped, and the texts beside it survive; a body that no form of ours can send is not read at all.
"""

from __future__ import annotations

from typing import Any, Final

from django.core.files.uploadhandler import FileUploadHandler, SkipFile
from django.http import HttpRequest

from cart_recovery.conf import conf

#: attribute of the request with the names of the fields whose photo was dropped
DROPPED: Final = "cart_recovery_dropped"
#: photos' worth of bytes that is read to save the text beside one that is too large
PATIENCE: Final = 8
#: files beyond that many are not even looked at
MOST_FILES: Final = 20


class BoundedPhotos(FileUploadHandler):
    """First of the handlers: stops a file at the limit, and notes its field."""

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request)
        self.dropped: set[str] = set()
        self.files = 0
        self.left = 0
        setattr(request, DROPPED, self.dropped)

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.files += 1
        self.left = conf.REVIEW_PHOTO_MAX_BYTES
        if self.files > MOST_FILES:
            raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.left -= len(raw_data)
        if self.left < 0:
            self.dropped.add(str(self.field_name))
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
        setattr(request, DROPPED, set())


def is_beyond_reading(request: HttpRequest) -> bool:
    """Whether the announced body is larger than any form of ours with a photo that is too large."""
    try:
        announced = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return True
    return announced > PATIENCE * conf.REVIEW_PHOTO_MAX_BYTES
