"""One Python participant for other tests: joins LIVEKIT_URL with LIVEKIT_TOKEN (or mints one for LIVEKIT_ROOM and
LIVEKIT_IDENTITY), publishes a tone and a picture, meters what the others send, and writes JSON lines: `joined`,
`published`, one `progress` a second, and at the end (SIGTERM, or LIVEKIT_SECONDS over) `summary`.
"""

import asyncio
import json
import os
import signal
from dataclasses import asdict

import guest as guests


def write(**line) -> None:
    print(json.dumps(line), flush=True)


async def main() -> None:
    token = os.environ.get("LIVEKIT_TOKEN") or guests.join_token(
        os.environ["LIVEKIT_ROOM"], os.environ.get("LIVEKIT_IDENTITY", "python")
    )
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    guest = await guests.join(token)
    guest.room.on("disconnected", lambda _reason: stop.set())
    local = guest.room.local_participant
    write(event="joined", identity=local.identity, sid=local.sid)
    await guest.publish_tone(660)
    await guest.publish_picture()
    write(event="published")

    def received() -> dict:
        return {name: asdict(meter) for name, meter in guest.tracks.items()}

    for _ in range(int(os.environ.get("LIVEKIT_SECONDS", "60"))):
        try:
            await asyncio.wait_for(stop.wait(), 1)
            break
        except TimeoutError:
            write(event="progress", received=received())
    write(event="summary", received=received(), messages=len(guest.messages))
    await guest.leave()


asyncio.run(main())
