import json

from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncWebsocketConsumer

from bench.baselines.chat.models import Message


class ChatConsumer(AsyncWebsocketConsumer):
    async def connect(self):
        if self.scope["user"].is_anonymous:
            await self.close()
            return
        self.room = self.scope["url_route"]["kwargs"]["room"]
        self.group = f"chat_{self.room}"
        await self.channel_layer.group_add(self.group, self.channel_name)
        await self.accept()

    async def disconnect(self, code):
        if hasattr(self, "group"):
            await self.channel_layer.group_discard(self.group, self.channel_name)

    async def receive(self, text_data):
        data = json.loads(text_data)
        message = await self.store(data["client_id"], data["body"])
        await self.channel_layer.group_send(
            self.group,
            {
                "type": "chat.message",
                "message": {
                    "id": message.id,
                    "room": message.room,
                    "author": self.scope["user"].username,
                    "client_id": message.client_id,
                    "body": message.body,
                    "created_at": message.created_at.isoformat(),
                },
            },
        )

    async def chat_message(self, event):
        await self.send(text_data=json.dumps(event["message"]))

    @database_sync_to_async
    def store(self, client_id, body):
        return Message.objects.create(
            room=self.room, author=self.scope["user"], client_id=client_id, body=body
        )
