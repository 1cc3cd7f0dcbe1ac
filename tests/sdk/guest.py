"""One participant of a test room (PyPI `livekit`), its synthetic microphone and camera, and meters for what arrives.

Reads LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET.
"""

import asyncio
import os
import time
from dataclasses import dataclass, field

import numpy as np
from livekit import api, rtc

SAMPLE_RATE = 48_000
FRAME_SAMPLES = SAMPLE_RATE // 100

url = os.environ["LIVEKIT_URL"].replace("http", "ws", 1)
http_url = url.replace("ws", "http", 1)


def unique_room(prefix: str) -> str:
    return f"{prefix}-{os.getpid()}-{time.time_ns():x}"


def join_token(room: str, identity: str, **grant) -> str:
    grants = api.VideoGrants(**{"room": room, "room_join": True, "can_update_own_metadata": True} | grant)
    token = api.AccessToken(os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"])
    return token.with_identity(identity).with_name(f"{identity} by name").with_grants(grants).to_jwt()


async def until(what: str, condition, seconds: float = 20):
    """Waits until `condition` gives something truthy and returns it."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"after {seconds} s: {what}")
        await asyncio.sleep(0.025)
    return value


@dataclass
class Meter:
    """What arrived on one track."""

    frames: int = 0
    loud: int = 0
    width: int = 0
    height: int = 0


@dataclass
class Guest:
    room: rtc.Room
    tracks: dict[str, Meter] = field(default_factory=dict)
    messages: list[rtc.DataPacket] = field(default_factory=list)
    events: list[tuple] = field(default_factory=list)
    tasks: list[asyncio.Task] = field(default_factory=list)

    def saw(self, *event) -> bool:
        return any(seen[: len(event)] == event for seen in self.events)

    async def publish_tone(self, hz: int = 440) -> rtc.LocalTrackPublication:
        source = rtc.AudioSource(SAMPLE_RATE, 1)
        track = rtc.LocalAudioTrack.create_audio_track("tone", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE)
        publication = await self.room.local_participant.publish_track(track, options)

        async def play():
            start = 0
            while True:
                phase = 2 * np.pi * hz * (start + np.arange(FRAME_SAMPLES)) / SAMPLE_RATE
                samples = (12_000 * np.sin(phase)).astype(np.int16).tobytes()
                await source.capture_frame(rtc.AudioFrame(samples, SAMPLE_RATE, 1, FRAME_SAMPLES))
                start += FRAME_SAMPLES

        self.tasks.append(asyncio.create_task(play()))
        return publication

    async def publish_picture(
        self, width: int = 320, height: int = 180, fps: int = 15, simulcast: bool = False
    ) -> rtc.LocalTrackPublication:
        source = rtc.VideoSource(width, height)
        track = rtc.LocalVideoTrack.create_video_track("picture", source)
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=simulcast)
        publication = await self.room.local_participant.publish_track(track, options)

        async def play():
            count = 0
            while True:
                luma = np.full((height, width), 128, np.uint8)
                luma[:, : width // 2] = ((np.arange(height) + 4 * count) & 0xFF)[:, None].astype(np.uint8)
                data = luma.tobytes() + bytes([128]) * (width * height // 2)
                frame = rtc.VideoFrame(width, height, rtc.VideoBufferType.I420, data)
                source.capture_frame(frame, timestamp_us=count * 1_000_000 // fps)
                count += 1
                await asyncio.sleep(1 / fps)

        self.tasks.append(asyncio.create_task(play()))
        return publication

    async def leave(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        await self.room.disconnect()

    def subscribed(self, track: rtc.Track, _publication, participant: rtc.RemoteParticipant) -> None:
        audio = track.kind == rtc.TrackKind.KIND_AUDIO
        meter = self.tracks[f"{participant.identity}/{'audio' if audio else 'video'}"] = Meter()
        self.tasks.append(asyncio.create_task(listen(track, meter) if audio else watch(track, meter)))


async def listen(track: rtc.Track, meter: Meter) -> None:
    async for event in rtc.AudioStream(track, sample_rate=SAMPLE_RATE, num_channels=1):
        meter.frames += 1
        meter.loud += int(np.abs(np.frombuffer(event.frame.data, np.int16).astype(np.int32)).mean() > 1_000)


async def watch(track: rtc.Track, meter: Meter) -> None:
    async for event in rtc.VideoStream(track):
        meter.frames += 1
        meter.width, meter.height = event.frame.width, event.frame.height


async def join(token: str, **options) -> Guest:
    guest = Guest(rtc.Room())
    room, events = guest.room, guest.events
    room.on("track_subscribed", guest.subscribed)
    room.on("data_received", guest.messages.append)
    room.on("participant_connected", lambda p: events.append(("connected", p.identity)))
    room.on("participant_disconnected", lambda p: events.append(("left", p.identity)))
    room.on("track_muted", lambda p, publication: events.append(("muted", p.identity, publication.name)))
    room.on("track_unmuted", lambda p, publication: events.append(("unmuted", p.identity, publication.name)))
    room.on("track_unpublished", lambda publication, p: events.append(("unpublished", p.identity, publication.name)))
    room.on("participant_metadata_changed", lambda p, _old, new: events.append(("metadata", p.identity, new)))
    room.on("disconnected", lambda reason: events.append(("disconnected", reason)))
    room.on("reconnected", lambda: events.append(("reconnected",)))
    await room.connect(url, token, rtc.RoomOptions(auto_subscribe=True, dynacast=True, **options))
    return guest
