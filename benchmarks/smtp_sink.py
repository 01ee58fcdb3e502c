"""`python -m benchmarks.smtp_sink SECONDS`: takes mails after a while and forgets them.

Prints its port. The delay is at the end of DATA, once per mail, where a provider's would be.
"""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from aiosmtpd.smtp import SMTP


class Sink:
    def __init__(self, delay: float) -> None:
        self._delay = delay

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        if self._delay:
            await asyncio.sleep(self._delay)
        return "250 OK"


async def serve(delay: float) -> None:
    loop = asyncio.get_running_loop()
    sink = Sink(delay)
    server = await loop.create_server(
        lambda: SMTP(sink, enable_SMTPUTF8=True, loop=loop, hostname="localhost"), "127.0.0.1", 0
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(float(sys.argv[1])))
