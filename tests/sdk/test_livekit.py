"""PyPI `livekit` (Rust core): the same room over one and over two peer connections; PyPI `livekit-api` speaks protobuf."""

import asyncio
import os
import unittest

import guest as guests
from guest import join, join_token, unique_room, until
from livekit import api, rtc


class TwoGuests:
    """The scenario; subclasses say how Bob connects."""

    single_peer_connection: bool

    async def asyncSetUp(self) -> None:
        # unittest turns it on; a hundred audio frames a second make it too slow for real time.
        asyncio.get_running_loop().set_debug(False)
        self.name = unique_room("python")
        self.alice, self.bob = await asyncio.gather(
            join(join_token(self.name, "alice")),
            join(join_token(self.name, "bob"), single_peer_connection=self.single_peer_connection),
        )

    async def asyncTearDown(self) -> None:
        await asyncio.gather(self.alice.leave(), self.bob.leave())

    async def flows(self, guest: guests.Guest, other: str, frames: int = 20) -> None:
        audio = lambda: guest.tracks.get(f"{other}/audio", guests.Meter())
        video = lambda: guest.tracks.get(f"{other}/video", guests.Meter())
        await until(f"audible sound of {other}", lambda: audio().loud > 50, 30)
        await until(f"pictures of {other}", lambda: video().frames > frames, 30)

    async def test_a_whole_session(self) -> None:
        alice, bob = self.alice, self.bob
        tone, picture, *_ = await asyncio.gather(
            alice.publish_tone(), alice.publish_picture(simulcast=True), bob.publish_tone(880), bob.publish_picture()
        )
        self.assertRegex(tone.sid, "^TR_")
        await asyncio.gather(self.flows(alice, "bob"), self.flows(bob, "alice"))

        await alice.room.local_participant.publish_data("to everybody", reliable=True, topic="chat")
        await bob.room.local_participant.publish_data("quickly", reliable=False)
        got = await until("reliable data", lambda: bob.messages and bob.messages[0])
        self.assertEqual((got.data, got.topic, got.participant.identity), (b"to everybody", "chat", "alice"))
        await until("lossy data", lambda: alice.messages and alice.messages[0].data == b"quickly")

        await alice.room.local_participant.set_metadata('{"hand":1}')
        await until("metadata", lambda: bob.saw("metadata", "alice", '{"hand":1}'))
        await alice.room.local_participant.set_attributes({"hand": "up"})
        await until("attributes", lambda: bob.room.remote_participants["alice"].attributes.get("hand") == "up")

        tone.track.mute()
        await until("mute", lambda: bob.saw("muted", "alice", "tone"))
        tone.track.unmute()
        await until("unmute", lambda: bob.saw("unmuted", "alice", "tone"))
        loud = bob.tracks["alice/audio"].loud
        await until("sound again", lambda: bob.tracks["alice/audio"].loud > loud + 30)

        await alice.room.local_participant.unpublish_track(picture.sid)
        await until("unpublish", lambda: bob.saw("unpublished", "alice", "picture"))
        old = bob.tracks["alice/video"]
        await alice.publish_picture(640, 360)
        await until("the next picture", lambda: bob.tracks["alice/video"] is not old)
        await self.flows(bob, "alice")

        self.assertFalse(bob.saw("disconnected") or bob.saw("reconnected"))
        await alice.leave()
        await until("leave", lambda: bob.saw("left", "alice"))

    async def test_a_full_reconnect_brings_everything_back(self) -> None:
        alice, bob = self.alice, self.bob
        await asyncio.gather(alice.publish_tone(), alice.publish_picture())
        await self.flows(bob, "alice")
        await bob.room.simulate_scenario(rtc.SimulateScenarioKind.SIMULATE_FULL_RECONNECT)
        await until("reconnected", lambda: bob.saw("reconnected"), 30)
        bob.tracks["alice/audio"].loud = bob.tracks["alice/video"].frames = 0
        await self.flows(bob, "alice")


class SinglePeerConnection(TwoGuests, unittest.IsolatedAsyncioTestCase):
    single_peer_connection = True


class DualPeerConnection(TwoGuests, unittest.IsolatedAsyncioTestCase):
    single_peer_connection = False


class ServerApi(unittest.IsolatedAsyncioTestCase):
    async def test_room_service_over_protobuf(self) -> None:
        name = unique_room("python-api")
        key, secret = os.environ["LIVEKIT_API_KEY"], os.environ["LIVEKIT_API_SECRET"]
        async with api.LiveKitAPI(guests.http_url, key, secret) as client:
            room = await client.room.create_room(api.CreateRoomRequest(name=name, metadata="first"))
            self.assertRegex(room.sid, "^RM_")
            guest = await join(join_token(name, "guest"))
            try:
                listed = await client.room.list_participants(api.ListParticipantsRequest(room=name))
                self.assertEqual([p.identity for p in listed.participants], ["guest"])
                await client.room.update_room_metadata(api.UpdateRoomMetadataRequest(room=name, metadata="second"))
                await until("metadata", lambda: guest.room.metadata == "second")
                with self.assertRaises(api.TwirpError) as refused:
                    await client.room.get_participant(api.RoomParticipantIdentity(room=name, identity="nobody"))
                self.assertEqual(refused.exception.code, "not_found")
                await client.room.delete_room(api.DeleteRoomRequest(room=name))
                await until("told", lambda: guest.saw("disconnected"))
            finally:
                await guest.leave()
            rooms = await client.room.list_rooms(api.ListRoomsRequest(names=[name]))
            self.assertEqual(len(rooms.rooms), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
